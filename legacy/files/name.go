package files

import (
	"mime"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxName  = 100 // limit: bytes of a file's name | it is cut before the extension
	maxExt   = 16  // limit: bytes of the extension that a cut name keeps | it is dropped
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
// end, which hide files here or are dropped elsewhere. A name that Windows reserves for
// a device gets another first character.
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
	if isDevice(name) {
		name = "_" + name[1:]
	}
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

// isDevice reports whether Windows reserves a name, with any extension.
func isDevice(name string) bool {
	stem, _, _ := strings.Cut(name, ".")
	stem = strings.ToUpper(strings.TrimRight(stem, " "))
	switch stem {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$":
		return true
	}
	number, serial := strings.CutPrefix(stem, "COM")
	if !serial {
		number, serial = strings.CutPrefix(stem, "LPT")
	}
	return serial && utf8.RuneCountInString(number) == 1 && strings.Contains("0123456789\u00B9\u00B2\u00B3", number)
}

// disposition returns the header Content-Disposition. A name that is not plain ASCII comes
// twice: as a similar one for clients that know no filename*. (RFC 6266 §4.3, RFC 8187)
func disposition(how, name string) string {
	name = SafeName(name) // an older version has stored it
	long := mime.FormatMediaType(how, map[string]string{"filename": name})
	if !strings.Contains(long, "filename*=") {
		return long
	}
	plain := strings.Map(func(r rune) rune {
		if r >= utf8.RuneSelf || r == '%' || r == '"' || r == '\\' {
			return '_'
		}
		return r
	}, name)
	return how + `; filename="` + plain + `"` + strings.TrimPrefix(long, how)
}

// cut truncates a text to at most n bytes, in whole runes.
func cut(s string, n int) string {
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
