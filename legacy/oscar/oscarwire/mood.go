package oscarwire

import (
	"bytes"
	"encoding/hex"
	"strconv"
)

// Moods are shown by ICQ users in addition to their status ("x-status" in ICQ 5): by a
// capability or, since ICQ 6, by a number. Some have no number.

// moods maps capabilities to the names of moods.
var moods = map[GUID]string{
	cap16("01D8D7EEAC3B492AA58DD3D877E66B92"): "Angry", cap16("5A581EA1E580430CA06F612298B7E4C7"): "Taking a bath",
	cap16("83C9B78E77E74378B2C5FB6CFCC35BEC"): "Tired", cap16("E601E41C33734BD1BC06811D6C323D81"): "At a party",
	cap16("8C50DBAE81ED4786ACCA16CC3213C7B7"): "Drinking beer", cap16("3FB0BD36AF3B4A609EEFCF190F6A5A7F"): "Thinking",
	cap16("F8E8D7B282C4414290F810C6CE0A89A6"): "Eating", cap16("80537DE2A4674A76B3546DFD075F5EC6"): "Watching television",
	cap16("F18AB52EDC57491D99DC6444502457AF"): "With friends", cap16("1B78AE31FA0B4D3893D1997EEEAFB218"): "Having coffee",
	cap16("61BEE0DD8BDD475D8DEE5F4BAACF19A7"): "Listening to music", cap16("488E14898ACA4A0882AA77CE7A165208"): "On business",
	cap16("107A9A1812324DA4B6CD0879DB780F09"): "Filming", cap16("6F4930984F7C4AFFA27634A03BCEAEA7"): "Having fun",
	cap16("1292E5501B644F66B206B29AF378E48D"): "On the phone", cap16("D4A611D08F014EC09223C5B6BEC6CCF0"): "Gaming",
	cap16("609D52F8A29A49A6B2A02524C5E9D260"): "Studying", cap16("63627337A03F49FF80E5F709CDE0A4EE"): "Shopping",
	cap16("1F7A4071BF3B4E60BC324C5787B04CF1"): "Feeling sick", cap16("785E8C4840D34C65886F04CF3F3F43DF"): "Sleeping",
	cap16("A6ED557E6BF744D4A5D4D2E7D95CE81F"): "Surfing", cap16("12D07E3EF885489E8E97A72A6551E58D"): "Browsing the web",
	cap16("BA74DB3E9E24434B87B62F6B8DFEE50F"): "Working", cap16("634F6BD8ADD24AA1AAB9115BC26D05A1"): "Writing",
	cap16("2CE0E4E57C6443709C3A7A1CE878A7DC"): "At a picnic", cap16("101117C9A3B040F981AC49E159FBD5D4"): "Cooking",
	cap16("160C60BBDD4443F39140050F00E6C009"): "Smoking", cap16("16F5B76FA9D240358CC5C084703C98FA"): "In the bathroom",
	cap16("631436FF3F8A40D0A5CB7B66E051B364"): "In doubt", cap16("DDCF0EA971954048A9C6413206D6F280"): "In love",
}

// numberedMoods are the names of moods by ICQ 6's numbers.
var numberedMoods = [...]string{"Shopping", "Taking a bath", "Tired", "At a party", "Drinking beer", "Thinking", "Eating", "Watching television",
	"With friends", "Having coffee", "Listening to music", "On business", "Filming", "Having fun", "On the phone", "Gaming", "Studying",
	"Feeling sick", "Sleeping", "Surfing", "Browsing the web", "Working", "Writing", "Angry"}

func cap16(s string) GUID {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return GUID(b)
}

// Mood returns the name of the user's mood, "" for none.
func (u UserInfo) Mood() string {
	for _, i := range u.BART() {
		if i.Type != BARTMood {
			continue
		}
		_, number, ok := bytes.Cut(i.Data, []byte("icqmood")) // some clients send a 0 before it
		if n, err := strconv.ParseUint(string(number), 10, 8); ok && err == nil && n < uint64(len(numberedMoods)) {
			return numberedMoods[n]
		}
	}
	for _, c := range u.Capabilities() {
		if name := moods[c]; name != "" {
			return name
		}
	}
	return ""
}
