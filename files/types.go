package files

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Types says which files are taken. The zero value takes all but programs and
// scripts, which no value takes.
type Types struct {
	endings []string // ".pdf"
	kinds   []string // "application/pdf", or "image/" for all of them
}

// What an operator may write.
var (
	endingForm = regexp.MustCompile(`^\.[a-z0-9_-]+$`)
	kindForm   = regexp.MustCompile(`^[a-z]+/(\*|[a-z0-9][a-z0-9.+_-]*)$`)
)

// UnmarshalText implements [encoding.TextUnmarshaler]: a comma list of endings and
// media types, as in ".docx,application/pdf,image/*".
func (t *Types) UnmarshalText(text []byte) error {
	*t = Types{}
	for part := range strings.SplitSeq(strings.ToLower(string(text)), ",") {
		part = strings.TrimSpace(part)
		switch {
		case part == "":
		case endingForm.MatchString(part):
			t.endings = append(t.endings, part)
		case kindForm.MatchString(part):
			t.kinds = append(t.kinds, strings.TrimSuffix(part, "*"))
		default:
			return fmt.Errorf("%q is neither an ending such as .pdf nor a type such as application/pdf or image/*", part)
		}
	}
	return nil
}

// take reports whether a file with this clean name, whose content begins with
// head, is taken.
func (t Types) take(name string, head []byte) bool {
	if runs(name, head) {
		return false
	}
	if len(t.endings)+len(t.kinds) == 0 {
		return true
	}
	for _, ending := range t.endings {
		if strings.EqualFold(path.Ext(name), ending) {
			return true
		}
	}
	kind, _, _ := strings.Cut(sniff(name, head), ";")
	for _, k := range t.kinds {
		if kind == k || strings.HasSuffix(k, "/") && strings.HasPrefix(kind, k) {
			return true
		}
	}
	return false
}

// running are the endings of what a click runs, somewhere: programs, scripts,
// installers, shortcuts, disk images and what changes a system's settings. It is
// Outlook's list without documents and data
// (https://support.microsoft.com/office/blocked-attachments-in-outlook-434752e1-02d3-4e90-9124-8b81e49a8519),
// with those of other systems. docs/decisions/013-files.md has it, too.
const running = `
	.action .apk .app .appimage .application .appref-ms .appx .appxbundle .bas .bat .cab .chm .class .cmd .com
	.command .cpl .csh .deb .dex .diagcab .dll .dmg .dylib .elf .exe .fxp .gadget .hlp .hpj .hta .htc .img .inf
	.ins .ipa .iso .isp .jar .jnlp .js .jse .ksh .library-ms .lnk .mjs .msc .msh .msh1 .msh2 .mshxml .msh1xml
	.msh2xml .msi .msix .msixbundle .msp .mst .ocx .osd .pif .pkg .pl .ps1 .ps1xml .ps2 .ps2xml .psc1 .psc2 .psd1
	.psdm1 .psm1 .py .pyc .pyo .pyw .pyz .pyzw .rb .reg .rpm .run .scf .scpt .scr .sct .search-ms
	.settingcontent-ms .sh .shb .shs .so .swf .sys .tcsh .terminal .url .vb .vbe .vbp .vbs .vhd .vhdx .vsmacros
	.vsto .vsw .vxd .wasm .webloc .website .workflow .ws .wsc .wsf .wsh .xbap .xll .xnk .zsh`

// runs reports whether a file is a program or a script, by its name or by how its
// content begins. Content that is not known yet is nil.
func runs(name string, head []byte) bool {
	ending := strings.ToLower(path.Ext(name))
	if slices.Contains(strings.Fields(running), ending) {
		return true
	}
	for _, magic := range []string{
		"\x7fELF", "\x00asm", "dex\n", "#!/", "#! /", "!<arch>\ndebian", "\xed\xab\xee\xdb", // and rpm
		"\xfe\xed\xfa\xce", "\xfe\xed\xfa\xcf", "\xce\xfa\xed\xfe", "\xcf\xfa\xed\xfe", "\xca\xfe\xba\xbe", // Mach-O, Java
		"L\x00\x00\x00\x01\x14\x02\x00", "ITSF\x03\x00", "MSCF\x00\x00\x00\x00", // shortcut, help, cabinet
	} {
		if bytes.HasPrefix(head, []byte(magic)) {
			return true
		}
	}
	return isWindowsProgram(head)
}

// isWindowsProgram knows the header of MS-DOS that programs of Windows begin with;
// "MZ" alone begins words, too.
func isWindowsProgram(head []byte) bool {
	const header, pe = 64, 0x3c
	if len(head) < header || !bytes.HasPrefix(head, []byte("MZ")) {
		return false
	}
	at := binary.LittleEndian.Uint32(head[pe:])
	return bytes.IndexByte(head[:header], 0) >= 0 ||
		int64(at)+4 <= int64(len(head)) && bytes.HasPrefix(head[at:], []byte("PE\x00\x00"))
}

// unknownKind says nothing about a file.
const unknownKind = "application/octet-stream"

// sniff returns the media type of a file whose content begins with head: what the
// content is, and what the name makes of it where they agree. A type that a
// browser might run is never returned.
func sniff(name string, head []byte) string {
	found := http.DetectContentType(head)
	kind, _, _ := strings.Cut(found, ";")
	ending := strings.ToLower(path.Ext(name))
	if special, ok := within(kind, ending); ok {
		return special
	}
	major, _, _ := strings.Cut(kind, "/")
	switch {
	case kind == "text/plain", kind == "application/pdf", kind == "application/zip", kind == "application/x-gzip",
		kind == "application/x-rar-compressed", major == "image", major == "audio", major == "video":
		return found
	}
	return unknownKind
}

// within returns what a file is whose content is of a kind that holds many.
func within(kind, ending string) (string, bool) {
	const office = "application/vnd.openxmlformats-officedocument."
	of := map[string]map[string]string{
		"application/zip": {
			".docx": office + "wordprocessingml.document", ".xlsx": office + "spreadsheetml.sheet",
			".pptx": office + "presentationml.presentation", ".odt": "application/vnd.oasis.opendocument.text",
			".ods": "application/vnd.oasis.opendocument.spreadsheet", ".odp": "application/vnd.oasis.opendocument.presentation",
		},
		unknownKind:  {".doc": "application/msword", ".xls": "application/vnd.ms-excel", ".ppt": "application/vnd.ms-powerpoint"},
		"text/plain": {".csv": "text/csv; charset=utf-8"},
	}
	special, ok := of[kind][ending]
	return special, ok
}

// withEnding gives a name without an ending that of its type.
func withEnding(name, kind string) string {
	kind, _, _ = strings.Cut(kind, ";")
	ending := map[string]string{
		"image/png": ".png", "image/jpeg": ".jpg", "image/gif": ".gif", "image/webp": ".webp", "image/bmp": ".bmp",
		"application/pdf": ".pdf", "text/plain": ".txt", "application/zip": ".zip",
		"audio/mpeg": ".mp3", "audio/wave": ".wav", "video/mp4": ".mp4", "video/webm": ".webm",
	}[kind]
	if path.Ext(name) != "" || ending == "" {
		return name
	}
	return shorten(name, maxName-len(ending)) + ending
}
