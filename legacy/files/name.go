package files

import (
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxName  = 100 // bytes of a file's name
	maxExt   = 16  // bytes of the extension that a truncated name keeps
	noName   = "file"
	anything = "application/octet-stream"
)

// shown are the types that a browser may display: they contain no scripts. SVG, HTML,
// PDF and all others are downloaded instead.
var shown = map[string]string{
	".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif",
	".webp": "image/webp", ".avif": "image/avif", ".bmp": "image/bmp",
	".mp3": "audio/mpeg", ".ogg": "audio/ogg", ".oga": "audio/ogg", ".opus": "audio/ogg",
	".m4a": "audio/mp4", ".flac": "audio/flac", ".wav": "audio/wav",
	".mp4": "video/mp4", ".webm": "video/webm", ".ogv": "video/ogg",
}

// TypeOf returns the content type of a file, and whether a browser may display it.
func TypeOf(name string) (kind string, show bool) {
	kind, show = shown[strings.ToLower(path.Ext(name))]
	if !show {
		kind = anything
	}
	return kind, show
}

// SafeName sanitises a file name chosen by a stranger for use in a folder, in a URL and
// in a header: it keeps the last path element, and removes control and formatting
// characters (U+202E displays "exe.gpj" as "jpg.exe"), and dots or spaces at either
// end, which hide files here or are dropped elsewhere.
func SafeName(name string) string {
	name = strings.ToValidUTF8(name, "\uFFFD")
	// OFT separates folders by U+0001. (libpurple, oft.c)
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

// cut truncates a text to at most n bytes, in whole runes.
func cut(s string, n int) string {
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
