// Command make writes the corpus of the detectors as JSON lines: every case in every obfuscation, and the clean texts.
//
//	go run ./internal/corpus/make > corpus.jsonl
//	consentry detect --corpus corpus.jsonl
package main

import (
	"fmt"
	"os"

	"github.com/consentry/consentry/internal/corpus"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "corpus:", err)
		os.Exit(1)
	}
}

func run() error {
	data, err := corpus.DataFolder(".")
	if err != nil {
		return err
	}
	plain, err := corpus.Plain(data)
	if err != nil {
		return err
	}
	var all []corpus.Case
	for _, c := range plain {
		all = append(all, corpus.Obfuscate(c)...)
	}
	sets, err := corpus.Clean(data)
	if err != nil {
		return err
	}
	for _, s := range sets {
		for _, text := range s.Texts {
			all = append(all, corpus.Case{Text: text, Source: s.Name})
		}
	}
	return corpus.Write(os.Stdout, all)
}
