package words

import "strings"

// A style is how a run of words looks.
type style struct {
	bold, italic, code bool
	href               string
	link               int // tells links apart that lead to the same address
}

// of is the style within an element. A link's words all look alike: one in parts
// would be many.
func (s style) of(element string) style {
	if s.href != "" {
		return s
	}
	switch element {
	case "b", "strong", "h1", "h2", "h3", "h4", "h5", "h6", "th":
		s.bold = true
	case "i", "em":
		s.italic = true
	case "code", "tt", "kbd", "samp":
		s.code = true
	}
	return s
}

// A span is a run of a line's words in one style; it ends at an offset.
type span struct {
	end   int
	style style
}

// A line is what stands between two line breaks.
type line struct {
	lead   string // the marks of quotes and lists before it
	follow string // the marks before whatever continues it
	text   []byte
	spans  []span
	code   bool // within a block of code, or its fence
	tight  bool // the line before belongs to the same block of code
}

// A page collects lines from a document.
type page struct {
	markdown bool
	lines    []line
	breaks   int    // line breaks before what comes next
	space    bool   // white space before what comes next
	spaced   style  // how that looks
	lead     string // begins the next line, if not ""
	follow   string // begins every other
	flat     int    // depth of what is shown in one line
}

// longestLead bounds how far quotes and lists are indented.
const longestLead = 32

// say adds words, their white space collapsed as a browser does.
func (p *page) say(text string, st style) {
	text = clean(text)
	for text != "" {
		word := strings.TrimLeft(text, " \t\n")
		if len(word) < len(text) {
			p.space, p.spaced = true, st
		}
		if word == "" {
			return
		}
		end := strings.IndexAny(word, " \t\n")
		if end < 0 {
			end = len(word)
		}
		p.word(word[:end], st)
		text = word[end:]
	}
}

func (p *page) word(word string, st style) {
	fresh := p.breaks > 0 || len(p.lines) == 0
	if fresh {
		p.open()
	}
	l := &p.lines[len(p.lines)-1]
	if p.space && !fresh {
		if st.code && !p.spaced.code {
			l.add(" ", style{}) // two pieces of code are two
		} else {
			word = " " + word
		}
	}
	p.space = false
	l.add(word, st)
}

// add adds text in a style to the line.
func (l *line) add(text string, st style) {
	l.text = append(l.text, text...)
	if n := len(l.spans); n > 0 && l.spans[n-1].style == st {
		l.spans[n-1].end = len(l.text)
		return
	}
	l.spans = append(l.spans, span{len(l.text), st})
}

// open begins a line. Empty lines before it are shown where lines stand close.
func (p *page) open() {
	if len(p.lines) > 0 && !p.markdown {
		between := common(p.lines[len(p.lines)-1].follow, p.follow)
		for range p.breaks - 1 {
			p.lines = append(p.lines, line{lead: between, follow: between})
		}
	}
	l := line{lead: p.lead, follow: p.follow}
	if l.lead == "" {
		l.lead = p.follow
	}
	p.lines = append(p.lines, l)
	p.lead, p.breaks, p.space = "", 0, false
}

// lineBreak ends a line, even an empty one.
func (p *page) lineBreak() {
	if p.flat > 0 {
		p.space = true
		return
	}
	p.breaks++
	p.space = false
}

// block makes what comes next begin a line.
func (p *page) block() {
	if p.breaks == 0 || p.flat > 0 {
		p.lineBreak()
	}
}

// within shows what body says behind a mark: the first line behind the mark
// itself, the others behind what follows it.
func (p *page) within(mark, follow string, body func()) {
	if len(p.follow) >= longestLead {
		follow = ""
	}
	lead, outer := p.lead, p.follow
	if lead == "" {
		lead = outer
	}
	p.lead, p.follow = lead+mark, outer+follow
	said := len(p.lines)
	body()
	p.follow = outer
	if len(p.lines) > said {
		lead = ""
	}
	p.lead = lead
	if p.lead == outer {
		p.lead = ""
	}
}

// code adds a block of code.
func (p *page) code(text string) {
	text = clean(text)
	if p.flat > 0 || strings.TrimSpace(text) == "" {
		p.say(text, style{code: true})
		return
	}
	marks := strings.Repeat("`", max(3, longestRun(text, '`')+1))
	code := strings.Split(strings.Trim(text, "\n"), "\n")
	fenced := !p.markdown || !mentions(text)
	if fenced {
		code = append(append([]string{marks}, code...), marks)
	}
	for i, row := range code {
		p.block()
		p.open()
		l := &p.lines[len(p.lines)-1]
		l.text, l.code, l.tight = []byte(row), fenced, fenced && i > 0
		if !fenced {
			l.spans = []span{{end: len(row)}}
		}
	}
	p.block()
}

// mentions reports whether text has what Teams could take for a mention, which
// cannot be escaped within code.
func mentions(text string) bool {
	for i := strings.IndexByte(text, '<'); i >= 0; i = strings.IndexByte(text, '<') {
		text = strings.TrimLeft(text[i+1:], "/ \t\n")
		if len(text) >= 2 && strings.EqualFold(text[:2], "at") {
			return true
		}
	}
	return false
}

func longestRun(s string, c byte) int {
	longest, run := 0, 0
	for i := range len(s) {
		run++
		if s[i] != c {
			run = 0
		}
		longest = max(longest, run)
	}
	return longest
}

// common returns what two leads begin with alike.
func common(a, b string) string {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return strings.TrimRight(a[:n], " ")
}
