package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	if !play() {
		os.Exit(m.Run())
	}
}

// Several gateways at once answer all there is, and wait for the table no oftener
// than they should.
//
// Tried with the controls that it must catch: admins that were read twice, one
// read after the other, and an answer that said 500 to one association in ten.
func TestShortLoad(t *testing.T) {
	t.Parallel()
	measured, err := run(t.Context(), io.Discard, options{template: "../../../template.yaml", duration: time.Second, gateways: 3, clients: 4, rows: []int{50, 300}})
	if err != nil || len(measured) != 2 {
		t.Fatalf("%d sizes, %v", len(measured), err)
	}
	for _, s := range measured {
		if s.Failed > 0 {
			t.Errorf("from %d rows %d requests failed, at first: %v", s.Before, s.Failed, s.Err)
		}
		for k, kind := range mix {
			seen := s.Kinds[k].Trips
			if len(seen) == 0 || seen[0] < 1 {
				t.Errorf("from %d rows nobody has counted the trips of %s: %v", s.Before, kind.name, seen)
			} else if half := percentile(seen, 50); half > kind.trips {
				t.Errorf("from %d rows %s takes %d trips, at most %d", s.Before, kind.name, half, kind.trips)
			}
		}
	}
	if measured[0].After <= measured[0].Before || measured[1].Before < 300 {
		t.Errorf("nothing has grown: %d, %d, %d", measured[0].Before, measured[0].After, measured[1].Before)
	}
}

func TestTally(t *testing.T) {
	for name, test := range map[string]struct {
		spans           []span
		requests, trips int
	}{
		"none":                   {nil, 0, 0},
		"at once":                {[]span{{0, 5}, {1, 4}, {2, 6}}, 3, 1},
		"one after the other":    {[]span{{0, 1}, {1, 2}, {3, 4}}, 3, 3},
		"two beside a long one":  {[]span{{0, 9}, {1, 3}, {4, 6}}, 3, 2},
		"one that is still open": {[]span{{0, 2}, {1, running}}, 2, 1},
	} {
		if requests, trips := (&tally{spans: test.spans}).count(); requests != test.requests || trips != test.trips {
			t.Errorf("%s: %d requests, %d trips", name, requests, trips)
		}
	}
}

func TestPlot(t *testing.T) {
	var measured []sample
	for n := range 3 {
		s := sample{Before: 100 << (4 * n), After: 200 << (4 * n)}
		for k := range mix {
			s.Kinds = append(s.Kinds, series{MS: []float64{float64(k), float64(k + 20*n)}})
		}
		measured = append(measured, s)
	}
	text := plot(measured, "here & <now>")
	lines := 0
	for d := xml.NewDecoder(strings.NewReader(text)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("%v:\n%s", err, text)
		}
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == "polyline" {
			for _, a := range e.Attr {
				if a.Name.Local == "points" {
					lines++
					if points := strings.Fields(a.Value); len(points) != len(measured) {
						t.Errorf("a line of %d points: %s", len(points), a.Value)
					}
				}
			}
		}
	}
	if lines != 2*len(mix) || strings.Contains(text, "NaN") || strings.Contains(text, "Inf") {
		t.Errorf("%d lines:\n%s", lines, text)
	}
}

func TestShow(t *testing.T) {
	file := filepath.Join(t.TempDir(), "README.md")
	for text, want := range map[string]string{
		"a\n" + shownFrom + "old\n" + shownTo + "b\n": "a\n" + shownFrom + "new\n" + shownTo + "b\n",
		"a\n" + shownFrom + "old\n":                   "",
		"a\n":                                         "",
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		err := show(file, "new\n")
		got, _ := os.ReadFile(file)
		if want == "" && (err == nil || string(got) != text) || want != "" && (err != nil || string(got) != want) {
			t.Errorf("%q became %q, %v", text, got, err)
		}
	}
}
