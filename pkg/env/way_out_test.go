package env

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// The roots are those whose fingerprints Amazon publishes, and no others.
// https://www.amazontrust.com/repository/
func TestRoots(t *testing.T) {
	want := map[string]string{
		"8ecde6884f3d87b1125ba31ac3fcb13d7016de7f57cc904fe1cb97c6ae98196e": "Amazon Root CA 1",
		"1ba5b2aa8c65401a82960118f80bec4f62304d83cec4713a19c39c011ea46db4": "Amazon Root CA 2",
		"18ce6cfe7bf14e60b2e347b8dfe868cb31d02ebb3ada271569f50343b46db3a4": "Amazon Root CA 3",
		"e35d28419ed02025cfa69038cd623962458da5c695fbdea3c22b0bfb25897092": "Amazon Root CA 4",
		"568d6905a2c88708a4b3025190edcfedb1974a606a13c6e5290fcb2ae63edab5": "Starfield Services Root Certificate Authority - G2",
	}
	for text := awsRoots; ; {
		block, rest := pem.Decode(text)
		if block == nil {
			break
		}
		text = rest
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		sum := fmt.Sprintf("%x", sha256.Sum256(block.Bytes))
		if want[sum] != certificate.Subject.CommonName {
			t.Errorf("%s with the fingerprint %s is none of AWS's", certificate.Subject, sum)
		}
		delete(want, sum)
	}
	if len(want) > 0 {
		t.Errorf("these are not there: %v", want)
	}
}

// host is a TLS server of an authority, that counts the connections it is asked for.
func host(t *testing.T, authority tls.Certificate) (url string, asked *atomic.Int64) {
	t.Helper()
	asked = &atomic.Int64{}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "healthy") }))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{certify(t, "127.0.0.1", &authority)}}
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			asked.Add(1)
		}
	}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL, asked
}

// certify makes a certificate: of the issuer's, or an authority's own.
func certify(t *testing.T, name string, issuer *tls.Certificate) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour),
		BasicConstraintsValid: true, IsCA: issuer == nil, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	parent, signer := form, any(key)
	if issuer != nil {
		parent, signer = issuer.Leaf, issuer.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, form, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

func bundle(t *testing.T, authority tls.Certificate) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "bundle.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: authority.Certificate[0]})
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// machine is an authority that this process finds among the machine's, which Go
// reads once.
var machine struct {
	sync.Once
	tls.Certificate
}

// Who is unknown to AWS's roots is looked up once among the machine's; who is
// unknown there too is refused.
func TestFallback(t *testing.T) {
	company, stranger := certify(t, "company", nil), certify(t, "stranger", nil)
	machine.Do(func() { machine.Certificate = certify(t, "machine", nil) })
	t.Setenv("SSL_CERT_FILE", bundle(t, machine.Certificate)) // read with the first handshake that needs it, in this test
	t.Setenv("SSL_CERT_DIR", t.TempDir())
	client := newClient(bundle(t, company))
	for name, c := range map[string]struct {
		authority tls.Certificate
		asked     int64
		known     bool
	}{
		"of AWS_CA_BUNDLE": {company, 1, true},
		"of the machine":   {machine.Certificate, 2, true},
		"of nobody":        {stranger, 2, false},
	} {
		url, asked := host(t, c.authority)
		answer, err := client.Get(url)
		if err == nil {
			answer.Body.Close()
		}
		unknown := x509.UnknownAuthorityError{}
		if known := err == nil; known != c.known || !known && !errors.As(err, &unknown) || asked.Load() != c.asked {
			t.Errorf("%s: error %v after %d connections, want known %v after %d", name, err, asked.Load(), c.known, c.asked)
		}
	}
}

func TestBundleThatIsNone(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{empty, empty + ".gone"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s was taken for a bundle of certificates", file)
				}
			}()
			roots(file)
		}()
	}
}

// The first request goes over the connection that was made at the start; one
// beside it over another, which takes the TLS session up.
func TestConnect(t *testing.T) {
	authority := certify(t, "company", nil)
	url, asked := host(t, authority)
	e := Env{HTTP: newClient(bundle(t, authority)), Now: time.Now}
	e.connect(url)
	var answers []*http.Response
	for n := range 2 {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := e.AWS().Do(request) //nolint:bodyclose // closed below, with the other
		if err != nil {
			t.Fatal(err)
		}
		answers = append(answers, answer) //nolint:bodyclose // as above
		if asked.Load() != int64(1+n) || answer.TLS.DidResume != (n > 0) {
			t.Errorf("request %d: %d connections, session taken up: %v", n+1, asked.Load(), answer.TLS.DidResume)
		}
	}
	for _, answer := range answers {
		answer.Body.Close()
	}
}

// No redirect is followed, not even to where a request would be welcome.
func TestNoRedirects(t *testing.T) {
	authority := certify(t, "company", nil)
	url, asked := host(t, authority)
	server := httptest.NewServer(http.RedirectHandler(url, http.StatusTemporaryRedirect))
	defer server.Close()
	e := Env{HTTP: newClient(bundle(t, authority))}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := e.AWS().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusTemporaryRedirect || asked.Load() != 0 {
		t.Errorf("status %d, and %d connections to where it leads", answer.StatusCode, asked.Load())
	}
}

// silence is a way out on which nothing is ever answered.
type silence struct{ waited chan context.Context }

func (s silence) RoundTrip(r *http.Request) (*http.Response, error) {
	s.waited <- r.Context()
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// Whoever does not answer holds nobody up for more than a second.
func TestConnectGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out, start := silence{make(chan context.Context, 1)}, time.Now()
		Env{HTTP: &http.Client{Transport: out}, Now: time.Now}.connect("https://dynamodb.eu-west-1.amazonaws.com")
		if err := (<-out.waited).Err(); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("it ended with %v after %s", err, time.Since(start))
		}
	})
}

func TestEndpoint(t *testing.T) {
	for _, c := range []struct{ region, given, want string }{
		{"eu-west-1", "", "https://dynamodb.eu-west-1.amazonaws.com"},
		{"cn-north-1", "", "https://dynamodb.cn-north-1.amazonaws.com.cn"},
		{"us-east-1", "http://127.0.0.1:8000", "http://127.0.0.1:8000"},
	} {
		e := Env{Get: func(name string) string {
			return map[string]string{"AWS_REGION": c.region, "AWS_ENDPOINT_URL_DYNAMODB": c.given}[name]
		}}
		where := e.endpoint().URI
		if got := where.String(); got != c.want {
			t.Errorf("%s: %s, want %s", c.region, got, c.want)
		}
	}
}
