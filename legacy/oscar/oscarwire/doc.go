// Package oscarwire is the codec of OSCAR, the protocol of AIM and ICQ: FLAP
// frames, SNACs, TLVs and the bodies that the gateway and its mock network
// exchange. It is pure: no goroutines, no clock, no sockets. The adapter
// (legacy/oscar) and the mock network (legacy/oscar/oscarmock) both build on
// it, so most bodies can be parsed and appended alike.
//
// # Reading
//
//	fr := oscarwire.NewFrameReader(conn, 0)
//	f, err := fr.ReadFrame()           // io.EOF between frames is a clean end
//	if f.Channel == oscarwire.ChannelData {
//		s, err := oscarwire.ParseSNAC(f.Payload)
//		switch s.ID {
//		case oscarwire.ICBMIncoming:       // 04/07
//			m, err := oscarwire.ParseIncomingIM(s.Body)
//
// A ParseX function never panics, never reads outside the slice it was given
// and allocates in proportion to it. When it fails it returns what it had
// decoded up to there together with an error that wraps ErrShort, ErrMissing
// or ErrMalformed. Byte slices in the result point into the input; strings
// are copies. Unknown and duplicate TLVs are kept, bytes after the last
// complete TLV are ignored (ParseTLVs alone reports them).
//
// # Writing
//
// Every body is an Appender; FrameWriter.WriteSNAC puts one into one frame and
// one Write. To save the copy, BeginSNAC, Append and EndFrame build a frame in
// place in the caller's buffer.
//
// Numbers in names' comments (04/07, TLV 1D) are hexadecimal, as in the
// specifications: Shutko's "OSCAR (ICQ v7/v8/v9) protocol", AOL's own OSCAR
// documents, and the recorded sessions in testdata/oscar.
package oscarwire
