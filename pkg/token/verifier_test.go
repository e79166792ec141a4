package token_test

import (
	"context"
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"strings"
	"testing"
	"time"

	"charter/pkg/caller"
	"charter/pkg/fault"
	"charter/pkg/token"
)

const (
	issuerName = "https://charter.example"
	audience   = "charter"
	delegated  = "charter-enrichment"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func clock(at time.Time) func() time.Time { return func() time.Time { return at } }

// party is a key with the issuer and the verifier that use it.
type party struct {
	key      token.PrivateKey
	public   []byte // PEM
	kid      string
	issuer   token.Issuer
	verifier token.Verifier
}

func newParty(t testing.TB) party {
	t.Helper()
	private, public, err := token.NewKeyPair()
	if err != nil {
		t.Fatal(err)
	}
	key, err := token.ParsePrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := token.ParseKeys(public)
	if err != nil {
		t.Fatal(err)
	}
	return party{
		key: key, public: public, kid: kids(t, keys)[0],
		issuer: token.Issuer{
			Signer: key, Name: issuerName, Audience: audience, Delegated: delegated,
			Now: clock(noon), Random: rand.Reader,
		},
		verifier: trusting(keys),
	}
}

func trusting(keys *token.Keys) token.Verifier {
	return token.Verifier{
		Name: issuerName, Audience: audience, Now: clock(noon),
		Keys: func(context.Context) (*token.Keys, error) { return keys, nil },
	}
}

// kids are the ids of the keys, as the published set tells them.
func kids(t testing.TB, keys *token.Keys) []string {
	t.Helper()
	var set struct{ Keys []struct{ Kid string } }
	if err := json.Unmarshal(keys.JWKS(), &set); err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, key := range set.Keys {
		ids = append(ids, key.Kid)
	}
	return ids
}

func encode(part []byte) string { return base64.RawURLEncoding.EncodeToString(part) }

func unsigned(header, payload string) string {
	return encode([]byte(header)) + "." + encode([]byte(payload))
}

// forge signs any header and payload as they stand, in ES256.
func forge(key token.PrivateKey, header, payload string) string {
	input := unsigned(header, payload)
	var n struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(der(key, input), &n); err != nil {
		panic(err)
	}
	signature := make([]byte, 64)
	n.R.FillBytes(signature[:32])
	n.S.FillBytes(signature[32:])
	return input + "." + encode(signature)
}

func der(key token.PrivateKey, input string) []byte {
	digest := sha256.Sum256([]byte(input))
	signature, err := key.Sign(context.Background(), digest[:])
	if err != nil {
		panic(err)
	}
	return signature
}

func (p party) header() string {
	return fmt.Sprintf(`{"alg":"ES256","kid":%q,"typ":"at+jwt"}`, p.kid)
}

// claims is a payload that is taken, with members changed; nil takes one out.
func claims(change map[string]any) string {
	m := map[string]any{
		"iss": issuerName, "aud": audience, "sub": "kp_1", "iat": noon.Unix(), "exp": noon.Unix() + 3600, "jti": "1",
	}
	maps.Copy(m, change)
	maps.DeleteFunc(m, func(_ string, v any) bool { return v == nil })
	text, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// refused wants a fault.Unauthenticated for this very reason: a token that is
// refused for another one tests nothing.
func refused(t *testing.T, v token.Verifier, compact, reason string) {
	t.Helper()
	got, err := v.Verify(t.Context(), compact)
	if err == nil {
		t.Fatalf("taken, as %+v", got)
	}
	if !errors.Is(err, fault.Unauthenticated) || !errors.Is(err, token.Invalid) {
		t.Fatalf("error %q is not Invalid", err)
	}
	if want := "Invalid or expired token. Refused: " + reason + "."; err.Error() != want {
		t.Fatalf("error %q, want %q", err, want)
	}
	if faults, ok := fault.All(err); !ok || len(faults) != 1 || faults[0].Message != "Invalid or expired token." {
		t.Fatalf("faults %+v, %v: the reason must stay inside", faults, ok)
	}
	if got != (caller.Claims{}) {
		t.Fatalf("claims %+v came with a refusal", got)
	}
}

func taken(t *testing.T, v token.Verifier, compact string) caller.Claims {
	t.Helper()
	c, err := v.Verify(t.Context(), compact)
	if err != nil {
		t.Fatalf("refused: %v", err)
	}
	return c
}

func TestHeaderAttacks(t *testing.T) {
	p := newParty(t)
	const notTaken = "header: alg is neither ES256 nor RS256"
	member := func(name, value string) string {
		return fmt.Sprintf(`{"alg":"ES256","kid":"<kid>","typ":"at+jwt",%q:%s}`, name, value)
	}
	jwk := strings.TrimSuffix(strings.TrimPrefix(string(p.verifierKeys(t).JWKS()), `{"keys":[`), `]}`)
	for name, attack := range map[string]struct{ header, reason string }{
		"alg none":          {`{"alg":"none","kid":"<kid>","typ":"at+jwt"}`, notTaken},
		"alg NONE":          {`{"alg":"nOnE","kid":"<kid>","typ":"at+jwt"}`, notTaken},
		"alg empty":         {`{"alg":"","kid":"<kid>","typ":"at+jwt"}`, notTaken},
		"alg missing":       {`{"kid":"<kid>","typ":"at+jwt"}`, notTaken},
		"alg HS256":         {`{"alg":"HS256","kid":"<kid>","typ":"at+jwt"}`, notTaken},
		"alg HS512":         {`{"alg":"HS512","kid":"<kid>","typ":"at+jwt"}`, notTaken},
		"alg hs256":         {`{"alg":"hs256","kid":"<kid>","typ":"at+jwt"}`, notTaken},
		"alg EdDSA":         {`{"alg":"EdDSA","kid":"<kid>","typ":"at+jwt"}`, notTaken},
		"alg PS512":         {`{"alg":"PS512","kid":"<kid>","typ":"at+jwt"}`, notTaken},
		"alg with a space":  {`{"alg":"ES256 ","kid":"<kid>","typ":"at+jwt"}`, notTaken},
		"alg PS256":         {`{"alg":"PS256","kid":"<kid>","typ":"at+jwt"}`, notTaken},
		"alg ES384":         {`{"alg":"ES384","kid":"<kid>","typ":"at+jwt"}`, notTaken},
		"alg in lower case": {`{"alg":"es256","kid":"<kid>","typ":"at+jwt"}`, notTaken},
		"alg a list":        {`{"alg":["ES256"],"kid":"<kid>","typ":"at+jwt"}`, "header: alg is not a string"},
		"alg null":          {`{"alg":null,"kid":"<kid>","typ":"at+jwt"}`, "header: alg is not a string"},
		"alg of another key type": {`{"alg":"RS256","kid":"<kid>","typ":"at+jwt"}`,
			"alg is not the key's"},
		"alg twice": {`{"alg":"ES256","alg":"none","kid":"<kid>","typ":"at+jwt"}`, "header: a member twice"},
		"alg twice, escaped": {`{"alg":"ES256","\u0061lg":"none","kid":"<kid>","typ":"at+jwt"}`,
			"header: a member twice"},
		"ALG": {`{"ALG":"ES256","kid":"<kid>","typ":"at+jwt"}`, "header: a known member in another case"},

		"kid missing":       {`{"alg":"ES256","typ":"at+jwt"}`, "header: kid is missing"},
		"kid empty":         {`{"alg":"ES256","kid":"","typ":"at+jwt"}`, "header: kid is missing"},
		"kid null":          {`{"alg":"ES256","kid":null,"typ":"at+jwt"}`, "header: kid is not a string"},
		"kid a number":      {`{"alg":"ES256","kid":1,"typ":"at+jwt"}`, "header: kid is not a string"},
		"kid twice":         {`{"alg":"ES256","kid":"x","kid":"<kid>","typ":"at+jwt"}`, "header: a member twice"},
		"kid and Kid":       {member("Kid", `"x"`), "header: a member twice"},
		"kid, Kelvin's":     {strings.Replace(p.header(), "kid", "\u212aid", 1), "header: a known member in another case"},
		"kid unknown":       {`{"alg":"ES256","kid":"other","typ":"at+jwt"}`, "kid is unknown"},
		"kid in lower case": {`{"alg":"ES256","kid":"` + strings.ToLower(p.kid) + `","typ":"at+jwt"}`, "kid is unknown"},
		"kid a path":        {`{"alg":"ES256","kid":"../../../../dev/null","typ":"at+jwt"}`, "kid is unknown"},
		"kid a URL":         {`{"alg":"ES256","kid":"http://127.0.0.1:1/key","typ":"at+jwt"}`, "kid is unknown"},
		"kid SQL":           {`{"alg":"ES256","kid":"' UNION SELECT 'x","typ":"at+jwt"}`, "kid is unknown"},
		"kid with a NUL":    {`{"alg":"ES256","kid":"<kid>\u0000","typ":"at+jwt"}`, "kid is unknown"},
		"kid with a space":  {`{"alg":"ES256","kid":"<kid> ","typ":"at+jwt"}`, "kid is unknown"},
		"kid of 64 KB": {`{"alg":"ES256","kid":"` + strings.Repeat("k", 64<<10) + `","typ":"at+jwt"}`,
			"longer than 8 KB"},
		"kid of 4 KB":        {`{"alg":"ES256","kid":"` + strings.Repeat("k", 4<<10) + `","typ":"at+jwt"}`, "kid is unknown"},
		"jku":                {member("jku", `"http://127.0.0.1:1/jwks.json"`), "header: jku is not taken"},
		"jwk of our own key": {member("jwk", jwk), "header: jwk is not taken"},
		"x5u":                {member("x5u", `"http://127.0.0.1:1/cert.pem"`), "header: x5u is not taken"},
		"x5c":                {member("x5c", `["MIIB"]`), "header: x5c is not taken"},
		"jku null":           {member("jku", `null`), "header: jku is not taken"},
		"JKU":                {member("JKU", `"http://127.0.0.1:1/"`), "header: a known member in another case"},
		"crit unknown":       {member("crit", `["http://example.com/UNDEFINED"]`), "header: crit is not taken"},
		"crit empty":         {member("crit", `[]`), "header: crit is not taken"},
		"crit exp":           {member("crit", `["exp"],"exp":9999999999`), "header: crit is not taken"},
		"crit b64":           {member("crit", `["b64"],"b64":false`), "header: crit is not taken"},
		"b64 without crit":   {member("b64", `false`), "header: b64 is not taken"},
		"zip":                {member("zip", `"DEF"`), "header: zip is not taken"},

		"typ missing": {`{"alg":"ES256","kid":"<kid>"}`, "header: typ is not at+jwt"},
		"typ JWT":     {`{"alg":"ES256","kid":"<kid>","typ":"JWT"}`, "header: typ is not at+jwt"},
		"typ of an id token": {`{"alg":"ES256","kid":"<kid>","typ":"id_token+jwt"}`,
			"header: typ is not at+jwt"},
		"typ a number": {`{"alg":"ES256","kid":"<kid>","typ":7}`, "header: typ is not a string"},

		"not JSON":          {`alg=ES256`, "header: not JSON"},
		"trailing comma":    {`{"alg":"ES256",}`, "header: not JSON"},
		"two objects":       {p.header() + `{}`, "header: not JSON"},
		"an array":          {`["ES256"]`, "header: not a JSON object"},
		"null":              {`null`, "header: not a JSON object"},
		"not UTF-8":         {member("x", "\"\xff\""), "header: not UTF-8"},
		"byte order mark":   {"\ufeff" + p.header(), "header: not JSON"},
		"an inner twice":    {member("x", `{"a":1,"a":2}`), "header: a member twice"},
		"nested beyond use": {member("x", strings.Repeat("[", 100)+strings.Repeat("]", 100)), "header: nested too deep"},
	} {
		t.Run(name, func(t *testing.T) {
			refused(t, p.verifier, forge(p.key, strings.ReplaceAll(attack.header, "<kid>", p.kid), claims(nil)), attack.reason)
		})
	}
}

func (p party) verifierKeys(t testing.TB) *token.Keys {
	t.Helper()
	keys, err := p.verifier.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func TestHeaderTaken(t *testing.T) {
	p := newParty(t)
	for name, header := range map[string]string{
		"as issued":             p.header(),
		"the long media type":   fmt.Sprintf(`{"alg":"ES256","kid":%q,"typ":"application/at+jwt"}`, p.kid),
		"white space":           fmt.Sprintf("\n{ \"alg\" : \"ES256\",\r\n\t\"kid\":%q, \"typ\":\"at+jwt\" } ", p.kid),
		"a member we ignore":    fmt.Sprintf(`{"alg":"ES256","kid":%q,"typ":"at+jwt","x5t":"AAAA"}`, p.kid),
		"escapes":               fmt.Sprintf(`{"\u0061lg":"\u0045S256","kid":%q,"typ":"at+jwt"}`, p.kid),
		"inner members, nested": fmt.Sprintf(`{"alg":"ES256","kid":%q,"typ":"at+jwt","x":[{"a":1},{"a":[2]}]}`, p.kid),
	} {
		t.Run(name, func(t *testing.T) {
			if c := taken(t, p.verifier, forge(p.key, header, claims(nil))); c.UserID != "kp_1" {
				t.Fatalf("claims %+v", c)
			}
		})
	}
}

func TestFormAttacks(t *testing.T) {
	p := newParty(t)
	good := forge(p.key, p.header(), claims(nil))
	taken(t, p.verifier, good)
	part := strings.Split(good, ".")
	// The last letter of the signature's 86 holds four bits that encode nothing.
	last := strings.IndexByte(alphabet, good[len(good)-1])
	for name, attack := range map[string]struct{ compact, reason string }{
		"nothing":                  {"", "not three parts"},
		"one part":                 {part[0], "not three parts"},
		"two parts":                {part[0] + "." + part[1], "not three parts"},
		"four parts":               {good + "." + part[2], "not three parts"},
		"a dot more":               {good + ".", "not three parts"},
		"encrypted, five parts":    {good + "..", "not three parts"},
		"no header":                {"." + part[1] + "." + part[2], "not canonical base64url"},
		"no payload":               {part[0] + ".." + part[2], "not canonical base64url"},
		"no signature":             {part[0] + "." + part[1] + ".", "not canonical base64url"},
		"padding":                  {good + "==", "not canonical base64url"},
		"trailing bits":            {good[:len(good)-1] + alphabet[last^1:last^1+1], "not canonical base64url"},
		"a letter of no byte":      {good + "AAA", "not canonical base64url"},
		"the other base64":         {part[0] + "." + part[1] + ".+/" + part[2][2:], "not canonical base64url"},
		"a space before":           {" " + good, "not canonical base64url"},
		"a space after":            {good + " ", "not canonical base64url"},
		"a line end after":         {good + "\n", "not canonical base64url"},
		"a line end inside":        {good[:10] + "\n" + good[10:], "not canonical base64url"},
		"a carriage return inside": {good[:10] + "\r" + good[10:], "not canonical base64url"},
		"a NUL":                    {good + "\x00", "not canonical base64url"},
		"the JSON form": {fmt.Sprintf(`{"payload":%q,"protected":%q,"signature":%q}`, part[1], part[0], part[2]),
			"not three parts"},
		"the general JSON form": {fmt.Sprintf(`{"payload":%q,"signatures":[{"protected":%q,"signature":%q}]}`, part[1], part[0], part[2]),
			"not three parts"},
		"a detached payload": {part[0] + ".." + part[2], "not canonical base64url"},
		"the scheme":         {"Bearer " + good, "not canonical base64url"},
		"8 KB of dots":       {strings.Repeat(".", 8<<10), "not three parts"},
		"signature cut":      {part[0] + "." + part[1] + "." + encode(make([]byte, 63)), "the signature is wrong"},
		"signature of zeros": {part[0] + "." + part[1] + "." + encode(make([]byte, 64)), "the signature is wrong"},
		"signature longer":   {part[0] + "." + part[1] + "." + encode(make([]byte, 65)), "the signature is wrong"},
		"signature as ASN.1": {part[0] + "." + part[1] + "." + encode(der(p.key, part[0]+"."+part[1])),
			"the signature is wrong"},
		"another payload": {part[0] + "." + encode([]byte(claims(map[string]any{"sub": "kp_2"}))) + "." + part[2],
			"the signature is wrong"},
		"another header": {encode([]byte(p.header()+" ")) + "." + part[1] + "." + part[2],
			"the signature is wrong"},
		"another key under our kid": {forge(newParty(t).key, p.header(), claims(nil)), "the signature is wrong"},
	} {
		t.Run(name, func(t *testing.T) { refused(t, p.verifier, attack.compact, attack.reason) })
	}
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// The longest token that is taken has 8192 bytes.
func TestLength(t *testing.T) {
	p := newParty(t)
	long := func(spaces, letters int) string {
		return forge(p.key, p.header()+strings.Repeat(" ", spaces), claims(map[string]any{"x": strings.Repeat("x", letters)}))
	}
	found := map[int]bool{}
	for spaces := range 3 {
		for letters := 5700; letters < 6000; letters++ {
			compact := long(spaces, letters)
			if len(compact) == 8192 {
				taken(t, p.verifier, compact)
			}
			if len(compact) == 8193 {
				refused(t, p.verifier, compact, "longer than 8 KB")
			}
			found[len(compact)] = true
		}
	}
	if !found[8192] || !found[8193] {
		t.Fatal("no tokens of these lengths were made")
	}
}

// Every single letter changed, and every prefix, is refused.
func TestNoOtherTokenOfOne(t *testing.T) {
	p := newParty(t)
	good := forge(p.key, p.header(), claims(nil))
	for i := range len(good) {
		if _, err := p.verifier.Verify(t.Context(), good[:i]); !errors.Is(err, fault.Unauthenticated) {
			t.Fatalf("the first %d bytes: %v", i, err)
		}
		changed := []byte(good)
		if changed[i]++; changed[i] == '.' {
			changed[i]++
		}
		if _, err := p.verifier.Verify(t.Context(), string(changed)); !errors.Is(err, fault.Unauthenticated) {
			t.Fatalf("byte %d changed: %v", i, err)
		}
	}
}

// The classic: a verifier that lets the token choose takes a public key for an
// HMAC secret. Every form in which the key is published is tried.
func TestHMACWithThePublicKey(t *testing.T) {
	p := newParty(t)
	block, _ := pem.Decode(p.public)
	for name, secret := range map[string][]byte{
		"PEM": p.public, "PEM without its last line end": p.public[:len(p.public)-1],
		"DER": block.Bytes, "JWKS": p.verifierKeys(t).JWKS(),
	} {
		for _, alg := range []string{"HS256", "ES256"} {
			t.Run(name+" "+alg, func(t *testing.T) {
				input := unsigned(fmt.Sprintf(`{"alg":%q,"kid":%q,"typ":"at+jwt"}`, alg, p.kid), claims(nil))
				mac := hmac.New(sha256.New, secret)
				mac.Write([]byte(input))
				reason := "header: alg is neither ES256 nor RS256"
				if alg == "ES256" {
					reason = "the signature is wrong"
				}
				refused(t, p.verifier, input+"."+encode(mac.Sum(nil)), reason)
			})
		}
	}
}

func TestRSA(t *testing.T) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := token.NewKeys(&private.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	v := trusting(keys)
	signed := func(alg string, sign func(digest []byte) ([]byte, error)) string {
		input := unsigned(fmt.Sprintf(`{"alg":%q,"kid":%q,"typ":"at+jwt"}`, alg, kids(t, keys)[0]), claims(nil))
		digest := sha256.Sum256([]byte(input))
		signature, err := sign(digest[:])
		if err != nil {
			t.Fatal(err)
		}
		return input + "." + encode(signature)
	}
	pkcs1 := func(digest []byte) ([]byte, error) {
		return rsa.SignPKCS1v15(rand.Reader, private, crypto.SHA256, digest)
	}
	pss := func(digest []byte) ([]byte, error) {
		return rsa.SignPSS(rand.Reader, private, crypto.SHA256, digest, nil)
	}
	if c := taken(t, v, signed("RS256", pkcs1)); c.UserID != "kp_1" {
		t.Fatalf("claims %+v", c)
	}
	refused(t, v, signed("RS256", pss), "the signature is wrong")
	refused(t, v, signed("PS256", pss), "header: alg is neither ES256 nor RS256")
	refused(t, v, signed("RS384", pkcs1), "header: alg is neither ES256 nor RS256")
	refused(t, v, signed("rs256", pkcs1), "header: alg is neither ES256 nor RS256")
	refused(t, v, signed("ES256", pkcs1), "alg is not the key's")
	hmacked := func(digest []byte) ([]byte, error) {
		mac := hmac.New(sha256.New, x509.MarshalPKCS1PublicKey(&private.PublicKey))
		mac.Write(digest)
		return mac.Sum(nil), nil
	}
	refused(t, v, signed("HS256", hmacked), "header: alg is neither ES256 nor RS256")
	refused(t, v, signed("RS256", hmacked), "the signature is wrong")
}

func TestClaimAttacks(t *testing.T) {
	const notASCII = "the subject is not at most 255 visible ASCII characters"
	p := newParty(t)
	type change = map[string]any
	for name, attack := range map[string]struct{ payload, reason string }{
		"exp missing":     {claims(change{"exp": nil}), "exp is missing"},
		"EXP":             {claims(change{"exp": nil, "EXP": noon.Unix() + 3600}), "a known member in another case"},
		"exp and EXP":     {claims(change{"EXP": noon.Unix() + 9999}), "a known member in another case"},
		"exp twice":       {`{"exp":1,` + claims(nil)[1:], "a member twice"},
		"exp a string":    {claims(change{"exp": "9999999999"}), "exp is not a date in seconds"},
		"exp null":        {claims(change{"exp": json.RawMessage("null")}), "exp is not a date in seconds"},
		"exp true":        {claims(change{"exp": true}), "exp is not a date in seconds"},
		"exp a list":      {claims(change{"exp": []int64{noon.Unix() + 3600}}), "exp is not a date in seconds"},
		"exp negative":    {claims(change{"exp": -1}), "exp is not a date in seconds"},
		"exp zero":        {claims(change{"exp": 0}), "exp has passed"},
		"exp in ms":       {claims(change{"exp": noon.UnixMilli()}), "exp is not a date in seconds"},
		"exp 1e999":       {claims(change{"exp": json.Number("1e999")}), "exp is not a date in seconds"},
		"exp past int64":  {claims(change{"exp": json.Number("9223372036854775808")}), "exp is not a date in seconds"},
		"nbf a string":    {claims(change{"nbf": "0"}), "nbf is not a date in seconds"},
		"nbf false":       {claims(change{"nbf": false}), "nbf is not a date in seconds"},
		"iat a string":    {claims(change{"iat": "0"}), "iat is not a date in seconds"},
		"NBF":             {claims(change{"NBF": 0}), "a known member in another case"},
		"iss missing":     {claims(change{"iss": nil}), "iss is another"},
		"iss another":     {claims(change{"iss": "https://evil.example"}), "iss is another"},
		"iss longer":      {claims(change{"iss": issuerName + "/"}), "iss is another"},
		"iss in capitals": {claims(change{"iss": strings.ToUpper(issuerName)}), "iss is another"},
		"iss a list":      {claims(change{"iss": []string{issuerName}}), "iss is not a string"},
		"aud missing":     {claims(change{"aud": nil}), "aud is another"},
		"aud another":     {claims(change{"aud": "other"}), "aud is another"},
		"aud a prefix":    {claims(change{"aud": audience + "-enrichment"}), "aud is another"},
		"aud in capitals": {claims(change{"aud": strings.ToUpper(audience)}), "aud is another"},
		"aud empty list":  {claims(change{"aud": []string{}}), "aud is another"},
		"aud others":      {claims(change{"aud": []string{"a", "b"}}), "aud is another"},
		"aud list of any": {claims(change{"aud": []any{audience, 7}}), "aud is another"},
		"aud with a null": {claims(change{"aud": []any{audience, nil}}), "aud is another"},
		"aud an object":   {claims(change{"aud": change{audience: true}}), "aud is another"},
		"aud null":        {claims(change{"aud": json.RawMessage("null")}), "aud is another"},
		"sub missing":     {claims(change{"sub": nil}), "no subject"},
		"sub empty":       {claims(change{"sub": ""}), "no subject"},
		"sub a number":    {claims(change{"sub": 1}), "sub is not a string"},
		"sub no client":   {claims(change{"sub": "client:"}), "no subject"},
		"sub with U+0001": {claims(change{"sub": "kp_1\u0001"}), notASCII},
		"sub of 256":      {claims(change{"sub": strings.Repeat("k", 256)}), notASCII},
		"sub twice":       {`{"sub":"kp_2",` + claims(nil)[1:], "a member twice"},
		"UserId another": {claims(change{"UserId": "kp_2", "OrganizationId": "org_1", "OrgCode": "org_a"}),
			"UserId is not the subject"},
		"role without organization": {claims(change{"role": "Admin"}), "a role or an enrichment without an organization"},
		"role a list": {claims(change{"role": []string{"Admin"}, "OrganizationId": "org_1", "OrgCode": "org_a"}),
			"role is not a string"},
		"Role":                {claims(change{"Role": "Admin"}), "a known member in another case"},
		"organizationid":      {claims(change{"organizationid": "org_1"}), "a known member in another case"},
		"code without its id": {claims(change{"OrgCode": "org_a"}), "an organization's id and code come together"},
		"tier and no company": {claims(change{"PriceTier": "Gold"}), "a role or an enrichment without an organization"},
		"email a list":        {claims(change{"email": []string{"a@b.example"}}), "email is not a string"},
		"act a string":        {claims(change{"act": "kp_2"}), "act: not a JSON object"},
		"act of nobody":       {claims(change{"act": change{}}), "act names nobody"},
		"act with a role": {
			claims(change{"act": change{"sub": "kp_2"}, "role": "Admin", "OrganizationId": "o", "OrgCode": "c"}),
			"a delegated token carries no role"},
		"unknown member twice": {`{"x":1,"x":2,` + claims(nil)[1:], "a member twice"},
		"a long s and an s":    {`{"ſ":1,"s":2,` + claims(nil)[1:], "a member twice"},
		"two cases of unknown": {`{"x":1,"X":2,` + claims(nil)[1:], "a member twice"},
		"an array":             {`[` + claims(nil) + `]`, "not a JSON object"},
		"two objects":          {claims(nil) + claims(nil), "not JSON"},
		"text":                 {`hello`, "not JSON"},
		"not UTF-8":            {strings.Replace(claims(nil), "kp_1", "kp_\xc3\x28", 1), "not UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			refused(t, p.verifier, forge(p.key, p.header(), attack.payload), "claims: "+attack.reason)
		})
	}
}

func TestClaimsTaken(t *testing.T) {
	p := newParty(t)
	type change = map[string]any
	base := caller.Caller{UserID: "kp_1", Expires: noon.Add(time.Hour)}
	inOrganization := base
	inOrganization.OrganizationID, inOrganization.OrgCode = "org_1", "org_a"
	for name, test := range map[string]struct {
		payload string
		want    caller.Claims
	}{
		"the least":       {claims(change{"iat": nil, "jti": nil}), caller.Claims{Caller: base}},
		"aud in a list":   {claims(change{"aud": []string{"other", audience}}), caller.Claims{Caller: base}},
		"a role of none":  {claims(change{"role": "Clerk"}), caller.Claims{Caller: base}},
		"a role in lower": {claims(change{"role": "admin"}), caller.Claims{Caller: base}},
		"unknown members": {claims(change{"x": change{"exp": 1, "y": []int{1}}}), caller.Claims{Caller: base}},
		"an organization": {claims(change{"OrganizationId": "org_1", "OrgCode": "org_a"}),
			caller.Claims{Caller: inOrganization}},
		"exp as 1e0": {claims(change{"exp": json.Number(fmt.Sprintf("%de0", noon.Unix()+3600))}), caller.Claims{Caller: base}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := taken(t, p.verifier, forge(p.key, p.header(), test.payload)); got != test.want {
				t.Fatalf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

// The edges of the leeway, to the nanosecond.
func TestDates(t *testing.T) {
	p := newParty(t)
	type change = map[string]any
	for name, test := range map[string]struct {
		change change
		now    time.Time
		reason string // "" when the token is taken
	}{
		"exp, the last moment":  {change{"exp": noon.Unix()}, noon.Add(60*time.Second - 1), ""},
		"exp, the moment after": {change{"exp": noon.Unix()}, noon.Add(60 * time.Second), "claims: exp has passed"},
		"exp, a half, before":   {change{"exp": float64(noon.Unix()) + 0.5}, noon.Add(60499 * time.Millisecond), ""},
		"exp, a half, after": {change{"exp": float64(noon.Unix()) + 0.5}, noon.Add(60500 * time.Millisecond),
			"claims: exp has passed"},
		"nbf, the first moment":  {change{"nbf": noon.Unix()}, noon.Add(-60 * time.Second), ""},
		"nbf, the moment before": {change{"nbf": noon.Unix()}, noon.Add(-60*time.Second - 1), "claims: nbf is to come"},
		"iat, the first moment":  {change{"iat": noon.Unix()}, noon.Add(-60 * time.Second), ""},
		"iat, the moment before": {change{"iat": noon.Unix()}, noon.Add(-60*time.Second - 1), "claims: iat is to come"},
		"nbf after exp": {change{"nbf": noon.Unix() + 7200}, noon,
			"claims: nbf is to come"},
	} {
		t.Run(name, func(t *testing.T) {
			change := change{"iat": noon.Add(-time.Hour).Unix()}
			maps.Copy(change, test.change)
			v := p.verifier
			v.Now = clock(test.now)
			compact := forge(p.key, p.header(), claims(change))
			if test.reason == "" {
				taken(t, v, compact)
			} else {
				refused(t, v, compact, test.reason)
			}
		})
	}
}

// When nothing can be checked the error is no fault: a gateway that was told
// "refused" would remember it.
func TestNothingToVerifyWith(t *testing.T) {
	p := newParty(t)
	good := forge(p.key, p.header(), claims(nil))
	broken := errors.New("the key service is away")
	source := func(err error) func(context.Context) (*token.Keys, error) {
		return func(context.Context) (*token.Keys, error) { return nil, err }
	}
	for name, change := range map[string]func(*token.Verifier){
		"a source that fails":       func(v *token.Verifier) { v.Keys = source(broken) },
		"a source that is refused":  func(v *token.Verifier) { v.Keys = source(fault.Unauthenticated) },
		"a source that has nothing": func(v *token.Verifier) { v.Keys = source(nil) },
		"no name":                   func(v *token.Verifier) { v.Name = "" },
		"no audience":               func(v *token.Verifier) { v.Audience = "" },
	} {
		t.Run(name, func(t *testing.T) {
			v := p.verifier
			change(&v)
			_, err := v.Verify(t.Context(), good)
			if err == nil || errors.Is(err, fault.Unauthenticated) {
				t.Fatalf("error %v", err)
			}
			if _, ok := fault.All(err); ok {
				t.Fatalf("error %v is a fault", err)
			}
		})
	}
	t.Run("a bad token asks for no keys", func(t *testing.T) {
		v := p.verifier
		v.Keys = source(broken)
		refused(t, v, good+" ", "not canonical base64url")
	})
}

// A key whose private half is gone, and all the tokens that it ever signed. A
// fuzzer's workers are processes of their own: a new key in each would leave
// them nothing to come close to.
const (
	lostKey = `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE5YL2uBonBlWEWaeUyYk4+/ODF8bD
avAxjgpPj0dIxze3TmUuJ65HCbUoANmVpkKp1qg6P8zjLP5a1wMSgHtUCw==
-----END PUBLIC KEY-----
`
	lostToken1 = "eyJhbGciOiJFUzI1NiIsImtpZCI6IjNQc1lwbE02OW1nRTB2Z2JwM0lHQWpEbG9GVHhtS1Vyem9QbXZTcjN1R28iLCJ0eXAiOiJh" +
		"dCtqd3QifQ.eyJhdWQiOiJjaGFydGVyIiwiZXhwIjoxNzcyMzcwMDAwLCJpYXQiOjE3NzIzNjY0MDAsImlzcyI6Imh0dHBzOi8vY" +
		"2hhcnRlci5leGFtcGxlIiwianRpIjoiMSIsInN1YiI6ImtwXzEifQ.a3LYtUTnswyOcfkVU8Z_NMLZoSupRBpat_Y_JWHQFeu2N5" +
		"ci_w0rr4SX2L-ZnrnVYMK5f8Mp_qgWISF1p2NYZg"
	lostToken2 = "eyJhbGciOiJFUzI1NiIsImtpZCI6IjNQc1lwbE02OW1nRTB2Z2JwM0lHQWpEbG9GVHhtS1Vyem9QbXZTcjN1R28iLCJ0eXAiOiJh" +
		"dCtqd3QifQ.eyJhdWQiOiJjaGFydGVyIiwiZXhwIjoxNzcyMzcwMDAwLCJpYXQiOjE3NzIzNjY0MDAsImlzcyI6Imh0dHBzOi8vY" +
		"2hhcnRlci5leGFtcGxlIiwianRpIjoiMSIsInN1YiI6ImNsaWVudDoxIn0.nEDF0b8SbX-c88ubBDmTp4YWIsRW6xiOVmlla3eQ9" +
		"0VnhmFHxkHmocjXSqyHh2RxqgoyoXDrCt3O4TyFOJEvEA"
	lostToken3 = "eyJhbGciOiJFUzI1NiIsImtpZCI6IjNQc1lwbE02OW1nRTB2Z2JwM0lHQWpEbG9GVHhtS1Vyem9QbXZTcjN1R28iLCJ0eXAiOiJh" +
		"dCtqd3QifQ.eyJhdWQiOlsiY2hhcnRlciIsImIiXSwiZXhwIjoxNzcyMzcwMDAwLCJpYXQiOjE3NzIzNjY0MDAsImlzcyI6Imh0d" +
		"HBzOi8vY2hhcnRlci5leGFtcGxlIiwianRpIjoiMSIsInN1YiI6ImtwXzEifQ.8_d8vgBFisNLxqdKorIisPOn9n-DR7IvJncs-F" +
		"Ug8w9mUrpT9_7btmBtEnjtir3023VdwI85CGX67fTpV234Gg"
)

// FuzzVerify changes good and bad tokens: whatever is taken is one of those
// that were signed, byte for byte.
func FuzzVerify(f *testing.F) {
	keys, err := token.ParseKeys([]byte(lostKey))
	if err != nil {
		f.Fatal(err)
	}
	v := trusting(keys)
	signed := map[string]bool{lostToken1: true, lostToken2: true, lostToken3: true}
	for compact := range signed {
		f.Add(compact)
	}
	f.Fuzz(func(t *testing.T, compact string) {
		_, err := v.Verify(t.Context(), compact)
		if (err == nil) != signed[compact] {
			t.Fatalf("error %v for %q", err, compact)
		}
		if err != nil && !errors.Is(err, fault.Unauthenticated) {
			t.Fatalf("%v: not the token's fault?", err)
		}
	})
}

// FuzzVerifySigned signs whatever it is given: what is taken then says, to a
// plain JSON parser too, what it must. "<kid>" stands for the id of the key.
func FuzzVerifySigned(f *testing.F) {
	p := newParty(f)
	const good = `{"alg":"ES256","kid":"<kid>","typ":"at+jwt"}`
	f.Add(good, claims(nil))
	f.Add(strings.Replace(good, "alg", "ALG", 1), claims(nil))
	f.Add(good, claims(map[string]any{"EXP": 1, "aud": []string{audience}, "act": map[string]any{"sub": "x"}}))
	f.Add(good, `{"exp":1e9,"exp":9e9,"nbf":0.5}`)
	f.Fuzz(func(t *testing.T, header, payload string) {
		header = strings.ReplaceAll(header, "<kid>", p.kid)
		got, err := p.verifier.Verify(t.Context(), forge(p.key, header, payload))
		if err != nil {
			if !errors.Is(err, fault.Unauthenticated) {
				t.Fatalf("%v: not the token's fault?", err)
			}
			return
		}
		var h, c map[string]any
		if err := errors.Join(json.Unmarshal([]byte(header), &h), json.Unmarshal([]byte(payload), &c)); err != nil {
			t.Fatalf("taken, and no JSON: %v", err)
		}
		exp, _ := c["exp"].(float64)
		if h["alg"] != "ES256" || h["kid"] != p.kid || c["iss"] != issuerName || c["sub"] != got.Subject() ||
			exp+60 <= float64(noon.Unix()) || got.Nobody() {
			t.Fatalf("taken: %s %s as %+v", header, payload, got)
		}
	})
}
