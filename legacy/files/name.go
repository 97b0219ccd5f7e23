package files

import (
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxName  = 100 // bytes of a file's name
	maxExt   = 16  // bytes of it after the last dot that a cut keeps
	noName   = "file"
	anything = "application/octet-stream"
)

// shown are the types that a browser may show by itself: they hold no scripts.
// SVG, HTML, PDF and all others are saved instead.
var shown = map[string]string{
	".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif",
	".webp": "image/webp", ".avif": "image/avif", ".bmp": "image/bmp",
	".mp3": "audio/mpeg", ".ogg": "audio/ogg", ".oga": "audio/ogg", ".opus": "audio/ogg",
	".m4a": "audio/mp4", ".flac": "audio/flac", ".wav": "audio/wav",
	".mp4": "video/mp4", ".webm": "video/webm", ".ogv": "video/ogg",
}

// TypeOf is how a file is served: its type, and whether it may be shown.
func TypeOf(name string) (kind string, show bool) {
	kind, show = shown[strings.ToLower(path.Ext(name))]
	if !show {
		kind = anything
	}
	return kind, show
}

// SafeName makes of the name that somebody gave a file one that is harmless in a
// folder, in a URL and in a header: its last part, without folders, control and
// formatting characters (U+202E turns "exe.gpj" into "jpg.exe" for the eye), and
// dots or spaces at the ends, which hide files here and lose themselves elsewhere.
func SafeName(name string) string {
	name = strings.ToValidUTF8(name, "\uFFFD")
	// OFT writes folders with U+0001 between. (libpurple, oft.c)
	name = name[strings.LastIndexAny(name, "/\\\x01")+1:]
	name = strings.Map(func(r rune) rune {
		switch {
		case strings.ContainsRune(`<>:"|?*`, r):
			return '_'
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r):
			return -1
		}
		return r
	}, name)
	name = strings.Trim(name, ". ")
	if len(name) > maxName {
		ext := path.Ext(name)
		if len(ext) > maxExt {
			ext = ""
		}
		name = strings.Trim(cut(name, maxName-len(ext)), ". ") + ext
	}
	if name == "" {
		return noName
	}
	return name
}

// cut is the beginning of a text, at most n bytes, in whole runes.
func cut(s string, n int) string {
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
