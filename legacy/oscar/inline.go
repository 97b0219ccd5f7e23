package oscar

import (
	"bytes"
	"fmt"

	"transport/legacy"
	"transport/legacy/oscar/oscarwire"
)

// maxInlines is the limit of pictures in messages that are being stored.
const maxInlines = 16 // limit: pictures in messages that are being stored | the message has no link to it

// onInline stores the pictures and sounds in a message, and emits them as files. It waits
// for the store on a goroutine of its own.
func (ft *fileTransfers) onInline(all []oscarwire.Inline, received legacy.MessageReceived) {
	for i, one := range all {
		t := &transfer{id: rendezvousID{peer: received.From.ID}, name: inlineName(i+1, one.Data), count: 1, size: int64(len(one.Data))}
		err := ft.mayStore(t.size)
		if err == nil && ft.inlines >= maxInlines {
			err = legacy.Errorf(legacy.RateLimited, "Other files to you are still being stored.")
		}
		if err != nil {
			received.Text, received.Markup = t.failureText(err), nil
			ft.c.emit(received)
			continue
		}
		ft.inlines++
		data := bytes.Clone(one.Data)
		ft.c.background.Go(func() {
			file := received
			url, err := ft.c.s.env.StoreFile(ft.c.life, legacy.File{Sender: t.id.peer, Name: t.name, Size: t.size}, bytes.NewReader(data))
			file.Text, file.Markup, file.URL = url, nil, url
			if err != nil {
				ft.c.s.env.Log.Info().Err(err).Str("peer", t.id.peer).Msg("a picture in a message was not stored")
				file.Text, file.URL = t.failureText(err), ""
			}
			ft.c.s.env.Emit(file)
			ft.later(func(c *client) { c.files.inlines-- })
		})
	}
}

// inlineName returns a file name for a picture or a sound.
func inlineName(number int, data []byte) string {
	ending := map[string]string{"image/png": ".png", "image/gif": ".gif", "image/jpeg": ".jpg"}[imageType(data)]
	switch {
	case ending != "":
	case bytes.HasPrefix(data, []byte("BM")):
		ending = ".bmp"
	case bytes.HasPrefix(data, []byte("RIFF")):
		ending = ".wav"
	default:
		ending = ".bin"
	}
	return fmt.Sprintf("picture-%d%s", number, ending)
}
