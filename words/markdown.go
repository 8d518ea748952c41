package words

import (
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer"
	markup "github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/util"
	"golang.org/x/net/html"
)

// longestMarkdown is more than anybody writes. The parser's time for some texts,
// such as "[a](" again and again, grows with the square of their length.
const longestMarkdown = 16 << 10

// markdownToHTML reads Markdown as agents write it: a line break is one, and HTML
// is text.
func markdownToHTML(text string) string {
	md := goldmark.New(
		goldmark.WithExtensions(extension.Table, extension.Strikethrough),
		goldmark.WithRendererOptions(markup.WithHardWraps(), renderer.WithNodeRenderers(util.Prioritized(literalHTML{}, 1))),
	)
	var b strings.Builder
	if err := md.Convert([]byte(clean(text)), &b); err != nil {
		return html.EscapeString(text) // a Builder takes everything: no error comes from there
	}
	return b.String()
}

// literalHTML shows the HTML within Markdown.
type literalHTML struct{}

// RegisterFuncs implements renderer.NodeRenderer.
func (literalHTML) RegisterFuncs(r renderer.NodeRendererFuncRegisterer) {
	r.Register(ast.KindRawHTML, showRaw)
	r.Register(ast.KindHTMLBlock, showBlock)
}

func showRaw(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if raw, ok := n.(*ast.RawHTML); ok && entering {
		_, _ = w.WriteString(html.EscapeString(string(raw.Segments.Value(source))))
	}
	return ast.WalkSkipChildren, nil
}

func showBlock(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	block, ok := n.(*ast.HTMLBlock)
	if !ok || !entering {
		return ast.WalkContinue, nil
	}
	text := string(block.Lines().Value(source))
	if block.HasClosure() {
		text += string(block.ClosureLine.Value(source))
	}
	_, _ = w.WriteString("<p>" + strings.ReplaceAll(html.EscapeString(text), "\n", "<br>") + "</p>")
	return ast.WalkContinue, nil
}
