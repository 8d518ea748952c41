package words_test

import (
	"strings"
	"testing"

	"github.com/liaison-skill/liaison/words"
)

const message = "Hello Bo, your order 4711 was sent on 3.5. - see https://shop.example/orders/4711?a=1&b=2.\n\n" +
	"1. Open the *parcel*\n2. Check it & tell us. 👋\n"

func BenchmarkLiteral(b *testing.B) {
	b.SetBytes(int64(len(message)))
	for b.Loop() {
		words.Literal(message)
	}
}

func BenchmarkInert(b *testing.B) {
	b.SetBytes(int64(len(message)))
	for b.Loop() {
		words.Inert(message)
	}
}

func BenchmarkFromTeams(b *testing.B) {
	document := read(b, "testdata/fromteams/lists.html")
	b.SetBytes(int64(len(document)))
	for b.Loop() {
		words.FromTeams("", document, "Liaison")
	}
}

func BenchmarkToTeams(b *testing.B) {
	for name, c := range map[string]struct {
		file   string
		format words.Format
	}{
		"html":     {"testdata/toteams/blocks.html", words.HTML},
		"markdown": {"testdata/toteams/commonmark.md", words.Markdown},
		"bbcode":   {"testdata/toteams/hub.bb", words.BBCode},
	} {
		b.Run(name, func(b *testing.B) {
			text := read(b, c.file)
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				words.ToTeams(text, c.format)
			}
		})
	}
}

func BenchmarkSplit(b *testing.B) {
	for name, unit := range map[string]string{
		"English": "Words are cheap. They are cut at spaces, mostly.\n",
		"Arabic":  "مرحبا، أريد المساعدة في طلبي رقم 4711 من فضلك. ",
		"CJK":     "注文番号4711の返品をお願いします。",
		"emoji":   "👨‍👩‍👧‍👦🇩🇪",
		"zalgo":   "Z\u0337\u0321\u0301\u0302\u0303",
	} {
		for size, n := range map[string]int{"1kB": 1_000, "100kB": 100_000, "10MB": 10_000_000} {
			b.Run(name+"/"+size, func(b *testing.B) {
				text := strings.Repeat(unit, n/len(unit))
				b.SetBytes(int64(len(text)))
				for b.Loop() {
					words.Split(text, 20_000, words.UTF16)
				}
			})
		}
	}
}
