package org

import (
	"crypto/subtle"
	_ "embed"
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"charter/pkg/fault"
	"charter/pkg/mail"
	"charter/pkg/text"
)

// Password is a new password in the clear. It prints as dots.
type Password struct{ clear string }

func (Password) String() string   { return "********" }
func (Password) GoString() string { return "********" }

// The passwords of 8 characters and more from the list of zxcvbn 4.4.2 (MIT,
// © 2012-2016 Dan Wheeler and Dropbox, Inc.) and the defaults of usual products, sorted.
//
//go:embed common_passwords.txt
var commonPasswords string

var (
	passwordLength  = fault.Fault{Kind: fault.Invalid, Message: "Must be 8 to 256 characters."}
	passwordCommon  = fault.Fault{Kind: fault.Invalid, Message: "Is on a list of common passwords."}
	passwordGuessed = fault.Fault{Kind: fault.Invalid, Message: "Must not be the e-mail or the organization's name."}
)

// ParsePassword takes a new password exactly as sent: 8 to 256 code points, any
// characters, no composition rule, not a common one as written (NIST SP 800-63B, 3.1.1.2).
func ParsePassword(s string) (Password, error) {
	switch n := utf8.RuneCountInString(s); {
	case n < 8 || n > 256:
		return Password{}, passwordLength
	case common(s):
		return Password{}, passwordCommon
	}
	return Password{s}, nil
}

// common reports whether a line of the list is s. It halves the list, of which
// a search from its front would take as long as all else that a request does.
func common(s string) bool {
	for list := commonPasswords; list != ""; {
		start := strings.LastIndexByte(list[:len(list)/2], '\n') + 1
		end := start + strings.IndexByte(list[start:], '\n')
		switch line := list[start:end]; {
		case s == line:
			return true
		case s < line:
			list = list[:start]
		default:
			list = list[end+1:]
		}
	}
	return false
}

// Apart refuses a password that is what anybody would try first.
func (p Password) Apart(email mail.Address, organization string) error {
	if p.clear != "" && (strings.EqualFold(p.clear, email.String()) || text.SameName(p.clear, organization)) {
		return passwordGuessed
	}
	return nil
}

// argon2id with t=2, m=19 MiB, p=1 (OWASP Password Storage Cheat Sheet).
const (
	argonTime, argonMemory, argonThreads = 2, 19 << 10, 1
	saltSize, hashSize                   = 16, 32
)

// Hash is what is kept of a password, in PHC form.
func (p Password) Hash(random io.Reader) (string, error) {
	salt := make([]byte, saltSize)
	if _, err := io.ReadFull(random, salt); err != nil {
		return "", err
	}
	return phc(salt, digest(p.clear, salt)), nil
}

func digest(password string, salt []byte) []byte {
	return argon2.IDKey([]byte(password), salt, argonTime, argonMemory, argonThreads, hashSize)
}

var phcPrefix = fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$", argon2.Version, argonMemory, argonTime, argonThreads)

func phc(salt, hash []byte) string {
	b64 := base64.RawStdEncoding
	return phcPrefix + b64.EncodeToString(salt) + "$" + b64.EncodeToString(hash)
}

// nobodysHash takes the place of a hash that is not there.
var nobodysHash = sync.OnceValue(func() string { return phc(make([]byte, saltSize), make([]byte, hashSize)) })

// passwordMatches compares in constant time. It does the same work whether
// hash is a password's, nobody's ("") or damaged, so that the time tells nothing.
func passwordMatches(hash, password string) bool {
	salt, want, ok := splitPHC(hash)
	if !ok {
		salt, want, _ = splitPHC(nobodysHash())
	}
	return subtle.ConstantTimeCompare(digest(password, salt), want) == 1 && ok
}

func splitPHC(s string) (salt, hash []byte, ok bool) {
	rest, ok := strings.CutPrefix(s, phcPrefix)
	if !ok {
		return nil, nil, false
	}
	saltText, hashText, _ := strings.Cut(rest, "$")
	salt, err1 := base64.RawStdEncoding.DecodeString(saltText)
	hash, err2 := base64.RawStdEncoding.DecodeString(hashText)
	return salt, hash, err1 == nil && err2 == nil && len(salt) == saltSize && len(hash) == hashSize
}
