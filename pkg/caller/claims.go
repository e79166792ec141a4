package caller

// Claims are what a token says of its holder.
type Claims struct {
	Caller                 // Expires is the issuer's to set
	Enrichment *Enrichment // nil until the token is enriched
	Actor      string      // who asked for a delegated token, as a subject; "" for the holder's own
}

// Enrichment is what an enriched token knows of its holder's commerce. Its
// fields stand in the token under their own names, the empty ones too.
type Enrichment struct {
	CustomerNumber string
	PriceTier      string
	CurrencyCode   string
}
