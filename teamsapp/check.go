package teamsapp

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"image/png"
	"io"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Limits of a package and its files, in bytes.
const (
	maxFile = 5 << 20
)

// Forms of what a manifest names.
var (
	guidForm    = regexp.MustCompile(`^[0-9A-Fa-f]{8}-([0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}$`)
	versionForm = regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+$`)
	domainForm  = regexp.MustCompile(`^(\*\.)?[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$`)
)

// faults collects what is wrong, each in a line that begins with where.
type faults []string

func (f *faults) add(ok bool, where, format string, args ...any) {
	if !ok {
		*f = append(*f, where+": "+fmt.Sprintf(format, args...))
	}
}

// Check returns what is wrong with a package, nothing if Teams would take it.
func Check(content []byte) []string {
	var f faults
	z, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		return []string{"package: is not a ZIP file"}
	}
	files := map[string][]byte{}
	for _, file := range z.File {
		body, err := read(file)
		f.add(err == nil, file.Name, "cannot be read: %v", err)
		files[file.Name] = body
	}
	body, ok := files[manifestFile]
	if !ok {
		return append(f, manifestFile+": is missing; it must be at the package's root")
	}
	var m Manifest
	if err := json.Unmarshal(body, &m); err != nil {
		return append(f, manifestFile+": is not the JSON of a manifest: "+err.Error())
	}
	f.manifest(m)
	f.icon("icons.color", m.Icons.Color, files, colorSize, false)
	f.icon("icons.outline", m.Icons.Outline, files, outlineSize, true)
	return f
}

func read(file *zip.File) ([]byte, error) {
	r, err := file.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	body, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err == nil && len(body) > maxFile {
		err = fmt.Errorf("larger than %d bytes", maxFile)
	}
	return body, err
}

func (f *faults) manifest(m Manifest) {
	f.add(m.ManifestVersion != "", "manifestVersion", "is required")
	f.add(versionForm.MatchString(m.Version), "version", "expected three numbers like 1.0.0, not %q", m.Version)
	f.add(guidForm.MatchString(m.ID), "id", "is not a GUID")
	f.text("name.short", m.Name.Short, 30)
	f.text("name.full", m.Name.Full, 100)
	f.text("description.short", m.Description.Short, 80)
	f.text("description.full", m.Description.Full, 4000)
	f.text("developer.name", m.Developer.Name, 32)
	for where, u := range map[string]string{
		"developer.websiteUrl": m.Developer.WebsiteURL, "developer.privacyUrl": m.Developer.PrivacyURL,
		"developer.termsOfUseUrl": m.Developer.TermsOfUseURL,
	} {
		f.add(strings.HasPrefix(u, "https://"), where, "must begin with https://")
	}
	for _, d := range m.ValidDomains {
		f.add(domainForm.MatchString(d), "validDomains", "%q is not a host's name", d)
	}
	f.add(len(m.Bots) == 1, "bots", "has %d entries, exactly one is expected", len(m.Bots))
	f.add(len(m.ComposeExtensions) == 1, "composeExtensions", "has %d entries, exactly one is expected", len(m.ComposeExtensions))
	for _, b := range m.Bots {
		f.add(guidForm.MatchString(b.BotID), "bots.botId", "is not a GUID")
		f.add(slices.Contains(b.Scopes, "personal"), "bots.scopes", "must hold personal: a handoff leads to a chat of one user")
		f.add(!b.IsNotificationOnly, "bots.isNotificationOnly", "must be false: users write to the bot")
	}
	for _, e := range m.ComposeExtensions {
		f.extension(e, m.Bots)
	}
	slices.Sort(*f)
}

func (f *faults) extension(e Extension, bots []Bot) {
	f.add(slices.ContainsFunc(bots, func(b Bot) bool { return strings.EqualFold(b.BotID, e.BotID) }),
		"composeExtensions.botId", "must be the bot's: its links lead there")
	f.add(len(e.Commands) > 0 && len(e.Commands) <= 10, "composeExtensions.commands", "has %d entries, 1 to 10 are allowed", len(e.Commands))
	for _, c := range e.Commands {
		where := "composeExtensions.commands." + c.ID
		f.text(where+".id", c.ID, 64)
		f.text(where+".title", c.Title, 32)
		f.text(where+".description", c.Description, 128)
		f.add(c.Type == "query", where+".type", "must be query, not %q", c.Type)
		f.add(len(c.Parameters) > 0 && len(c.Parameters) <= 5, where+".parameters", "has %d entries, 1 to 5 are allowed", len(c.Parameters))
		for _, p := range c.Parameters {
			f.text(where+".parameters.name", p.Name, 64)
			f.text(where+".parameters.title", p.Title, 32)
			f.text(where+".parameters.description", p.Description, 128)
		}
	}
}

// text holds a text against the most characters it may have.
func (f *faults) text(where, s string, most int) {
	n := utf8.RuneCountInString(s)
	f.add(n > 0, where, "is required")
	f.add(n <= most, where, "has %d characters, at most %d are allowed", n, most)
}

// icon checks a PNG. An outline is white and transparent, nothing else.
func (f *faults) icon(where, name string, files map[string][]byte, size int, outline bool) {
	body, ok := files[name]
	if !ok {
		f.add(false, where, "the package has no file %q", name)
		return
	}
	img, err := png.Decode(bytes.NewReader(body))
	if err != nil {
		f.add(false, where, "is not a PNG")
		return
	}
	b := img.Bounds()
	f.add(b.Dx() == size && b.Dy() == size, where, "is %d×%d pixels, must be %d×%d", b.Dx(), b.Dy(), size, size)
	if !outline {
		return
	}
	clear, white := false, true
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			r, g, bl, a := img.At(x, y).RGBA()
			clear = clear || a == 0
			white = white && r == a && g == a && bl == a
		}
	}
	f.add(clear, where, "has no transparent pixel")
	f.add(white, where, "must be white on transparent")
}
