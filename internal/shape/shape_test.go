package shape

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// The house's limits, in lines and methods. A hub does five things; see livechat.
const (
	maxFile      = 300
	maxFunc      = 60
	maxInterface = 3
)

// A shape is what is measured of the module.
type shape struct {
	packages, documented          map[string]bool
	lines, testLines              int
	functions                     int
	wrapped, errorfs              int
	tests, parallel               int
	longestFile, longestFunc      measure
	largestInterface              measure
	product, initialisers, panics []string
}

// A measure is the largest of something, and where it is.
type measure struct {
	n     int
	where string
}

func (m *measure) see(n int, where string) {
	if n > m.n {
		*m = measure{n, where}
	}
}

func TestShape(t *testing.T) {
	t.Parallel()
	s := measureModule(t)
	t.Logf("%d packages, %d documented; %d functions", len(s.packages), len(s.documented), s.functions)
	t.Logf("%d lines of product, %d of tests: ratio %.2f", s.lines, s.testLines, float64(s.testLines)/float64(s.lines))
	t.Logf("longest file %d (%s), longest function %d (%s), largest interface %d (%s)",
		s.longestFile.n, s.longestFile.where, s.longestFunc.n, s.longestFunc.where, s.largestInterface.n, s.largestInterface.where)
	t.Logf("errors that wrap: %d of %d (%d%%); parallel tests: %d of %d (%d%%)",
		s.wrapped, s.errorfs, 100*s.wrapped/s.errorfs, s.parallel, s.tests, 100*s.parallel/s.tests)
	for dir := range s.packages {
		if !s.documented[dir] {
			t.Errorf("package %s has no comment", dir)
		}
	}
	for _, where := range s.product {
		t.Error(where)
	}
	for _, where := range append(s.initialisers, s.panics...) {
		t.Errorf("%s: init and panic are not for product code", where)
	}
}

// measureModule reads every Go file of the module.
func measureModule(t *testing.T) *shape {
	t.Helper()
	s := &shape{packages: map[string]bool{}, documented: map[string]bool{}}
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && strings.HasPrefix(d.Name(), "."):
			return filepath.SkipDir
		case strings.HasSuffix(path, ".go"):
			s.file(t, root, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *shape) file(t *testing.T, root, path string) {
	t.Helper()
	name, err := filepath.Rel(root, path)
	if err != nil {
		t.Fatal(err)
	}
	files := token.NewFileSet()
	f, err := parser.ParseFile(files, path, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	lines := files.Position(f.End()).Line
	if strings.HasSuffix(name, "_test.go") {
		s.testLines += lines
		s.testFile(f)
		return
	}
	dir := filepath.Dir(name)
	s.packages[dir] = true
	if f.Doc != nil {
		s.documented[dir] = true
	}
	s.lines += lines
	s.longestFile.see(lines, name)
	if lines > maxFile {
		s.product = append(s.product, name+" is too long")
	}
	ast.Inspect(f, func(n ast.Node) bool {
		s.node(files, name, n)
		return true
	})
}

func (s *shape) node(files *token.FileSet, name string, n ast.Node) {
	switch n := n.(type) {
	case *ast.FuncDecl:
		s.functions++
		lines := files.Position(n.End()).Line - files.Position(n.Pos()).Line + 1
		s.longestFunc.see(lines, name+" "+n.Name.Name)
		if lines > maxFunc {
			s.product = append(s.product, name+": "+n.Name.Name+" is too long")
		}
		if n.Name.Name == "init" && n.Recv == nil {
			s.initialisers = append(s.initialisers, name)
		}
	case *ast.InterfaceType:
		s.largestInterface.see(n.Methods.NumFields(), name)
		if n.Methods.NumFields() > maxInterface {
			s.product = append(s.product, name+" has an interface that is too large")
		}
	case *ast.CallExpr:
		s.call(name, n)
	}
}

func (s *shape) call(name string, n *ast.CallExpr) {
	if id, ok := n.Fun.(*ast.Ident); ok && id.Name == "panic" {
		s.panics = append(s.panics, name)
	}
	sel, ok := n.Fun.(*ast.SelectorExpr)
	if !ok || len(n.Args) < 2 || sel.Sel.Name != "Errorf" {
		return
	}
	if pkg, ok := sel.X.(*ast.Ident); !ok || pkg.Name != "fmt" {
		return
	}
	// An error made of an error: does it keep the chain?
	last, ok := n.Args[len(n.Args)-1].(*ast.Ident)
	if !ok || !strings.HasPrefix(strings.ToLower(last.Name), "err") {
		return
	}
	s.errorfs++
	if format, ok := n.Args[0].(*ast.BasicLit); ok && strings.Contains(format.Value, "%w") {
		s.wrapped++
	}
}

func (s *shape) testFile(f *ast.File) {
	for _, d := range f.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || !strings.HasPrefix(fn.Name.Name, "Test") || fn.Name.Name == "TestMain" || fn.Recv != nil {
			continue
		}
		s.tests++
		parallel := false
		ast.Inspect(fn, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			parallel = parallel || ok && sel.Sel.Name == "Parallel"
			return true
		})
		if parallel {
			s.parallel++
		}
	}
}
