// Command client walks the README's walk with the client that oapi-codegen makes of pkg/openapi/openapi.yaml. Its one
// argument is where Charter listens. .ci/openapi generates the package client beside it.
package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"

	"walk/client"
)

func main() {
	log.SetFlags(0)
	if err := walk(context.Background(), os.Args[1]); err != nil {
		log.Fatal(err)
	}
}

func walk(ctx context.Context, url string) error {
	c, err := client.NewClientWithResponses(url)
	if err != nil {
		return err
	}
	const email, password = "john.doe@generated.example", "Password1234!"
	made, err := c.CreateOrganizationWithResponse(ctx, nil, client.NewOrganization{
		Organization: client.NewOrganizationProfile{Name: "Generated Corp"},
		User:         client.Founder{FirstName: "John", LastName: "Doe", Email: email, Password: password},
	})
	if err != nil || made.JSON201 == nil {
		return failed("create organization", err, made)
	}
	again, err := c.CreateOrganizationWithResponse(ctx, nil, client.NewOrganization{
		Organization: client.NewOrganizationProfile{Name: "GENERATED  corp"},
		User:         client.Founder{FirstName: "Jane", LastName: "Roe", Email: "jane@roe.example", Password: password},
	})
	if err != nil || again.ApplicationproblemJSONCharsetUtf8400 == nil || again.ApplicationproblemJSONCharsetUtf8400.Code != "name_taken" {
		return failed("the same name again", err, again)
	}
	var credentials client.Credentials
	if err := credentials.FromPersonCredentials(client.PersonCredentials{Email: email, Password: password}); err != nil {
		return err
	}
	login, err := c.LoginWithResponse(ctx, credentials)
	if err != nil || login.JSON200 == nil {
		return failed("login", err, login)
	}
	token := func(_ context.Context, r *http.Request) error {
		r.Header.Set("Authorization", "Bearer "+login.JSON200.AccessToken)
		return nil
	}
	read, err := c.GetOrganizationWithResponse(ctx, token)
	if err != nil || read.JSON200 == nil || read.JSON200.Organization.OrganizationId != made.JSON201.OrganizationId {
		return failed("get organization", err, read)
	}
	tier, err := c.CreatePriceTierWithResponse(ctx, nil, client.NewPriceTier{Name: "Wholesale", CurrencyCode: client.USD}, token)
	if err != nil || tier.StatusCode() != http.StatusOK {
		return failed("create price tier", err, tier)
	}
	wholesale := "Wholesale"
	customer, err := c.PutCustomerWithResponse(ctx, nil,
		client.CustomerEntry{CustomerNumber: "C-1001", CompanyName: "Globex", Pricing: &wholesale}, token)
	if err != nil || customer.JSON200 == nil || !customer.JSON200.Active {
		return failed("put customer", err, customer)
	}
	admins, err := c.ListAdminsWithResponse(ctx, token)
	if err != nil || admins.JSON200 == nil || len(*admins.JSON200) != 1 {
		return failed("list admins", err, admins)
	}
	link, err := c.AssociateCustomerWithResponse(ctx, nil,
		client.NewAssociation{UserId: (*admins.JSON200)[0].UserId, CustomerNumber: "C-1001"}, token)
	if err != nil || link.JSON201 == nil {
		return failed("associate customer", err, link)
	}
	enriched, err := c.EnrichTokenWithResponse(ctx, client.Enrichment{OrgCode: made.JSON201.IdentityOrganizationId}, token)
	if err != nil || enriched.JSON200 == nil {
		return failed("enrich token", err, enriched)
	}
	bad, err := c.GetOrganizationWithResponse(ctx, func(_ context.Context, r *http.Request) error {
		r.Header.Set("Authorization", "Bearer not.a.token")
		return nil
	})
	if err != nil || bad.JSON401 == nil || bad.JSON401.Code != "invalid_token" {
		return failed("a bad token", err, bad)
	}
	return show(enriched.JSON200.AccessToken)
}

// show decodes a token that says what the README says.
func show(token string) error {
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err != nil {
		return err
	}
	var claims struct{ CustomerNumber, PriceTier, CurrencyCode string }
	if err := json.Unmarshal(payload, &claims); err != nil {
		return err
	}
	if claims != (struct{ CustomerNumber, PriceTier, CurrencyCode string }{"C-1001", "Wholesale", "USD"}) {
		return fmt.Errorf("the token carries %+v", claims)
	}
	fmt.Println(string(payload))
	return nil
}

type answer interface{ GetBody() []byte }

func failed(what string, err error, a answer) error {
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return fmt.Errorf("%s: answered %s", what, a.GetBody())
}
