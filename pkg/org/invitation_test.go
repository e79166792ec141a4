package org

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"charter/pkg/mail"
)

func TestInvitation(t *testing.T) {
	now := time.Date(2026, 3, 4, 5, 6, 7, 8e6, time.UTC)
	email, _ := mail.ParseAddress("Jane.Roe@acme.example")
	const id = "org_01hq3m5z8k2b4c6d8e0f1g3h5j"
	i, token, err := NewInvitation(rand.Reader, id, email, Member, now)
	if err != nil {
		t.Fatal(err)
	}
	clear := token.Reveal()
	if organization, invitation, err := ParseInvitationToken(clear); organization != id || invitation != i.ID || err != nil {
		t.Errorf("the token is for %q of %q: %v", invitation, organization, err)
	}
	if strings.Trim(clear, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
		t.Errorf("not base64url: %q", clear)
	}
	if s := fmt.Sprintf("%v %+v %#v %v", token, token, token, i); strings.Contains(s, clear) || bytes.Contains(i.TokenHash, []byte(clear)) {
		t.Errorf("the token shows: %s", s)
	}
	again, other, _ := NewInvitation(rand.Reader, id, email, Member, now)
	lower, _ := mail.ParseAddress("jane.roe@ACME.example")
	if again.ID != i.ID || InvitationID(lower) != i.ID || other.Reveal() == clear {
		t.Error("an address has one invitation, and each its own token")
	}
	last := now.Add(7 * 24 * time.Hour).Truncate(time.Second)
	for _, c := range []struct {
		token string
		at    time.Time
		want  error
	}{
		{clear, now, nil}, {clear, last.Add(-time.Millisecond), nil}, {clear, last, InvalidInvitation},
		{other.Reveal(), now, InvalidInvitation}, {clear + "A", now, InvalidInvitation}, {"", now, InvalidInvitation},
	} {
		if err := i.Admits(c.token, c.at); !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
			t.Errorf("%q at %s: %v", c.token, c.at, err)
		}
	}
	if err := (Invitation{}).Admits("", now); !errors.Is(err, InvalidInvitation) {
		t.Errorf("no invitation admits: %v", err)
	}
}

func TestParseInvitationToken(t *testing.T) {
	encode := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	for _, s := range []string{"", "a", "a token", encode(""), encode("org_1"), encode("org_1\ninv_1"), encode("ORG_1\ninv_1\nx"),
		encode("org_1\x01\ninv_1\nx"), encode("org_1\ninv_1\x01\nx"), encode("org_\ninv_1\nx"), encode("org_1\n\nx"),
		encode("org_1\ninv_1\nx") + "=", encode("org_1\ninv_1\nx" + strings.Repeat("x", 300)), "b3JnXzEKaW52XzEKeHh="} {
		if _, _, err := ParseInvitationToken(s); !errors.Is(err, InvalidInvitation) {
			t.Errorf("%q is taken: %v", s, err)
		}
	}
	if organization, id, err := ParseInvitationToken(encode("org_1\ninv_1\n\n\x00")); organization != "org_1" || id != "inv_1" || err != nil {
		t.Errorf("%q, %q, %v", organization, id, err)
	}
}
