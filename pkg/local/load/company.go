package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/oklog/ulid/v2"
)

// town is where the gateways are, and the people who are linked.
type town struct {
	gateways []string // URLs
	table    string   // URL
	users    []string // one for each client: links of one user wait for each other
	http     *http.Client
}

const password = "Password1234!"

func settle(ctx context.Context, gateways []string, table string, clients int) (*town, error) {
	t := &town{gateways, table, make([]string, clients), &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}, Timeout: time.Minute}}
	return t, t.each(func(n int) (err error) {
		_, _, t.users[n], err = t.account(ctx, fmt.Sprintf("user-%d", n))
		return err
	})
}

// company is the organization that everybody asks about.
type company struct {
	*town
	id    string
	token string // its owner's
	made  atomic.Int64
}

// found makes a company with so many associations, a few admins and price tiers.
func (t *town) found(ctx context.Context, rows int) (*company, error) {
	c := &company{town: t}
	var err error
	if c.id, c.token, _, err = t.account(ctx, fmt.Sprintf("acme-%d", rows)); err != nil {
		return nil, err
	}
	for _, name := range []string{"Retail", "Wholesale", "Export", "Staff"} {
		if err := c.post(ctx, "/api/organizations/price-tiers", fmt.Sprintf(`{"Name":%q,"CurrencyCode":"USD"}`, name)); err != nil {
			return nil, err
		}
	}
	for n := range min(3, len(t.users)) {
		if err := c.post(ctx, "/api/organizations/users/admins", fmt.Sprintf(`{"Email":"user-%d@load.example"}`, n)); err != nil {
			return nil, err
		}
	}
	// The first link of a user makes a member, which takes longer.
	if err := c.each(func(n int) error { return c.link(ctx, n) }); err != nil {
		return nil, err
	}
	if err := c.inherit(ctx, rows-newest); err != nil {
		return nil, err
	}
	return c, c.grow(ctx, rows)
}

// account makes an organization with an owner.
func (t *town) account(ctx context.Context, name string) (organization, token, user string, err error) {
	email := name + "@load.example"
	var made struct{ OrganizationID string }
	var in struct{ AccessToken string }
	var admins []struct{ UserID string }
	err = t.ask(ctx, http.MethodPost, "/api/organizations", "", fmt.Sprintf(
		`{"Organization":{"Name":%q},"User":{"FirstName":"John","LastName":"Doe","Email":%q,"Password":%q}}`, name, email, password), &made)
	if err == nil {
		err = t.ask(ctx, http.MethodPost, "/api/auth/login", "", fmt.Sprintf(`{"Email":%q,"Password":%q}`, email, password), &in)
	}
	if err == nil {
		err = t.ask(ctx, http.MethodGet, "/api/organizations/users/admins", in.AccessToken, "", &admins)
	}
	if err != nil {
		return "", "", "", err
	}
	return made.OrganizationID, in.AccessToken, admins[0].UserID, nil
}

// ask asks the first gateway, for an answer in JSON.
func (t *town) ask(ctx context.Context, method, path, token, body string, answer any) error {
	text, _, err := t.do(t.request(ctx, 0, method, path, token, body))
	if err != nil {
		return err
	}
	return json.Unmarshal(text, answer)
}

// request is one to any gateway, by its number.
func (t *town) request(ctx context.Context, gateway int, method, path, token, body string) *http.Request {
	r, err := http.NewRequestWithContext(ctx, method, t.gateways[gateway%len(t.gateways)]+path, strings.NewReader(body))
	if err != nil {
		panic(err) // the URL is our own
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return r
}

// do reads an answer to its end. One that is no success is an error.
func (t *town) do(r *http.Request) ([]byte, http.Header, error) {
	answer, err := t.http.Do(r)
	if err != nil {
		return nil, nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode >= 300 {
		err = fmt.Errorf("%s %s: %s: %.300s", r.Method, r.URL.Path, answer.Status, body)
	}
	return body, answer.Header, err
}

func (c *company) post(ctx context.Context, path, body string) error {
	_, _, err := c.do(c.request(ctx, 0, http.MethodPost, path, c.token, body))
	return err
}

// number is one of a customer of whom nobody has heard, in no order.
func (c *company) number() string { return fmt.Sprintf("C-%07d", c.made.Add(1)*7_919_317%9_999_991) }

func (c *company) association(client int) string {
	return fmt.Sprintf(`{"UserId":%q,"CustomerNumber":%q}`, c.users[client], c.number())
}

func (c *company) link(ctx context.Context, client int) error {
	_, _, err := c.do(c.request(ctx, client, http.MethodPost, "/api/organizations/users/associate-customer", c.token, c.association(client)))
	return err
}

// each does something for every client at once.
func (t *town) each(do func(client int) error) error {
	errs := make(chan error)
	for n := range t.users {
		go func() { errs <- do(n) }()
	}
	var first error
	for range t.users {
		if err := <-errs; first == nil {
			first = err
		}
	}
	return first
}

// newest are so many associations that are made by requests before anything is
// measured: enough to have all of them indexed.
const newest = 200

// grow makes associations until there are so many, and waits until they are
// indexed.
func (c *company) grow(ctx context.Context, rows int) error {
	err := c.each(func(n int) error {
		for c.made.Load() < int64(rows) {
			if err := c.link(ctx, n); err != nil {
				return err
			}
		}
		return nil
	})
	end := time.Now().Add(indexingTime)
	for waiting := toFold; err == nil && waiting >= toFold; {
		var log struct{ Count int }
		err = c.query(ctx, "LOG", `"Select":"COUNT"`, &log)
		if waiting = log.Count; err == nil && waiting >= toFold {
			if time.Now().After(end) {
				return fmt.Errorf("after %v %d associations wait to be indexed", indexingTime, waiting)
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	var page struct{ TotalRecords int64 }
	if err == nil {
		err = c.ask(ctx, http.MethodGet, "/api/organizations/users/associations", c.token, "", &page)
	}
	if err == nil && page.TotalRecords != c.made.Load() {
		err = fmt.Errorf("%d associations were made, and %d are listed", c.made.Load(), page.TotalRecords)
	}
	return err
}

// indexingTime is how long indexing may take, of as many as there are.
const indexingTime = 2 * time.Minute

// toFold are so many items of the log that they are indexed: 95 associations, and
// its four ends; see pkg/table/roll.go.
const toFold = 95 + 4

// inherit writes associations as they lie in an organization that has had them
// since before it had an index: each is like its first, of another user. A
// million requests would take a quarter of an hour.
func (c *company) inherit(ctx context.Context, rows int) error {
	var first struct{ Items []json.RawMessage }
	if err := c.query(ctx, "ASSOCIATIONS", `"Limit":1`, &first); err != nil {
		return err
	}
	var keys struct {
		SK, AssociationID struct{ S string }
	}
	if err := json.Unmarshal(first.Items[0], &keys); err != nil {
		return err
	}
	user, number, _ := strings.Cut(keys.SK.S, "\x01")
	like := func() string {
		id := strings.ToLower(ulid.Make().String())
		return strings.NewReplacer(user, "kp_"+id, number, c.number(), keys.AssociationID.S, id).Replace(string(first.Items[0]))
	}
	const batch = 25 // as many as one request takes
	batches := (rows - int(c.made.Load())) / batch
	return c.each(func(client int) error {
		for n := client; n < batches; n += len(c.users) {
			puts := make([]string, batch)
			for n := range puts {
				puts[n] = `{"PutRequest":{"Item":` + like() + `}}`
			}
			if err := c.askTable(ctx, "BatchWriteItem", `{"RequestItems":{"charter":[`+strings.Join(puts, ",")+`]}}`, &struct{}{}); err != nil {
				return err
			}
		}
		return nil
	})
}

// query reads a partition of the organization in the table itself.
func (c *company) query(ctx context.Context, partition, how string, answer any) error {
	return c.askTable(ctx, "Query", fmt.Sprintf(`{"TableName":"charter","ConsistentRead":true,"KeyConditionExpression":"PK = :pk",`+
		`"ExpressionAttributeValues":{":pk":{"S":"ORG\u0001%s\u0001%s"}},%s}`, c.id, partition, how), answer)
}

func (t *town) askTable(ctx context.Context, operation, body string, answer any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, t.table, strings.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810."+operation)
	text, _, err := t.do(r)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, answer)
}

// pages is how many pages of 25 there are by now, at least.
func (c *company) pages() int { return int(c.made.Load())/25 + 1 }
