// The ways to break one place of a Go file.

package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
)

// mutant is one replacement of bytes.
type mutant struct {
	name     string
	from, to int
	text     string
}

func (m mutant) apply(source []byte) []byte {
	out := append([]byte{}, source[:m.from]...)
	return append(append(out, m.text...), source[m.to:]...)
}

// swaps are the neighbours of an operator.
var swaps = map[token.Token][]string{
	token.LSS: {"<=", ">"}, token.LEQ: {"<", ">"}, token.GTR: {">=", "<"}, token.GEQ: {">", "<"},
	token.EQL: {"!="}, token.NEQ: {"=="}, token.LAND: {"||"}, token.LOR: {"&&"}, token.ADD: {"-"},
}

// names are identifiers that have an opposite.
var names = map[string]string{"true": "false", "false": "true", "max": "min"}

// list finds every mutant of a file, outside its constants and types.
func list(source []byte) ([]mutant, error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, target, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var found []mutant
	at := func(p token.Pos) int { return fset.Position(p).Offset }
	add := func(from, to token.Pos, text string) {
		was := string(source[at(from):at(to)])
		if len(was) > 60 {
			was = was[:60] + "…"
		}
		found = append(found, mutant{
			name: fmt.Sprintf("%d: %q becomes %q", fset.Position(from).Line, was, text),
			from: at(from), to: at(to), text: text,
		})
	}
	condition := func(e ast.Expr) {
		add(e.Pos(), e.End(), "true")
		add(e.Pos(), e.End(), "false")
	}
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok {
			continue
		}
		ast.Inspect(f.Body, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BinaryExpr:
				for _, op := range swaps[n.Op] {
					add(n.OpPos, n.OpPos+token.Pos(len(n.Op.String())), op)
				}
			case *ast.UnaryExpr:
				if n.Op == token.NOT {
					add(n.OpPos, n.OpPos+1, "")
				}
			case *ast.IfStmt:
				condition(n.Cond)
			case *ast.SwitchStmt:
				if n.Tag == nil {
					for _, c := range n.Body.List {
						for _, e := range c.(*ast.CaseClause).List {
							condition(e)
						}
					}
				}
			case *ast.Ident:
				if opposite := names[n.Name]; opposite != "" {
					add(n.Pos(), n.End(), opposite)
				}
			case *ast.BasicLit:
				if n.Kind == token.INT {
					add(n.Pos(), n.End(), n.Value+"+1")
				}
			case *ast.ExprStmt:
				add(n.Pos(), n.End(), "")
			case *ast.AssignStmt:
				if n.Tok == token.ASSIGN {
					add(n.Pos(), n.End(), "")
				}
			case *ast.ReturnStmt:
				if len(n.Results) == 0 {
					add(n.Pos(), n.End(), "")
				}
			}
			return true
		})
	}
	return found, nil
}
