package env

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	_ "embed"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// newClient leads to AWS. The way is made for a function's first call, for which
// somebody waits while it has a seventh of a core: `make bench`.
//
// Go reads all roots of the machine for the first handshake, 140 of them, and on
// Amazon Linux 2023 three times (golang/go#79018). That took 65 of the 72 ms of
// a cold start with 256 MB. So the few that AWS's hosts have are tried first,
// and the machine's once where they do not do. Bundle is a file with more roots
// to try, or "".
func newClient(bundle string) *http.Client {
	plain := &net.Dialer{Timeout: 3 * time.Second, KeepAlive: 30 * time.Second} // with the handshake, where there is one
	few := sync.OnceValue(func() *tls.Dialer {                                  // not every function goes out
		return &tls.Dialer{NetDialer: plain, Config: &tls.Config{RootCAs: roots(bundle), MinVersion: tls.VersionTLS12, ClientSessionCache: tls.NewLRUClientSessionCache(0)}}
	})
	all := &tls.Dialer{NetDialer: plain, Config: &tls.Config{MinVersion: tls.VersionTLS12}}
	return &http.Client{Transport: &http.Transport{
		Proxy:       http.ProxyFromEnvironment,
		DialContext: plain.DialContext,
		DialTLSContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := few().DialContext(ctx, network, address)
			if unknown := (x509.UnknownAuthorityError{}); errors.As(err, &unknown) {
				return all.DialContext(ctx, network, address)
			}
			return conn, err
		},
		ResponseHeaderTimeout: 5 * time.Second, MaxIdleConnsPerHost: 16, IdleConnTimeout: 5 * time.Minute,
		WriteBufferSize: 16 << 10, // a TLS record: a transaction goes out in one, not in four
	}}
}

// AWS is the way for clients of the SDK. It follows no redirect, for a request that
// is signed for one host is worth nothing at another; and does without what
// http.Client keeps for that, a twentieth of the CPU of a whole call.
func (e Env) AWS() aws.HTTPClient { return straight{e.HTTP} }

type straight struct{ *http.Client }

func (s straight) Do(r *http.Request) (*http.Response, error) { return s.Transport.RoundTrip(r) }

// The roots that AWS's hosts have: Amazon Root CA 1 to 4, and Starfield
// Services Root Certificate Authority - G2, which all four are signed by too.
// https://www.amazontrust.com/repository/
//
//go:embed roots.pem
var awsRoots []byte

func roots(bundle string) *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(awsRoots)
	if bundle != "" {
		more, err := os.ReadFile(bundle)
		if err != nil || !pool.AppendCertsFromPEM(more) {
			panic("env: AWS_CA_BUNDLE names no file of certificates")
		}
	}
	return pool
}

// connect makes the connection that the first call then finds. Until it asks for
// its first event a function has a whole core, so a handshake of 3 ms stays one:
// under its share it would take 20. A call with several requests under way makes
// further connections beside the first request: they take its TLS session up and
// verify no certificates, so nothing is gained by making them here. Somebody may
// wait already, so it gives up after a second; what goes wrong here goes wrong
// again where it can be told.
func (e Env) connect(endpoint string) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint+"/ping", http.NoBody)
	if err != nil {
		return
	}
	answer, err := e.HTTP.Do(r)
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, answer.Body) // read to its end, the connection is free
	answer.Body.Close()
}
