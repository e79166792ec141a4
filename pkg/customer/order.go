package customer

// Order is one of the orders in which associations are listed, ascending.
type Order int

// The orders, each by its field and then by the other one.
const (
	ByUser Order = iota
	ByNumber
)

// Orders are all of them.
var Orders = [...]Order{ByUser, ByNumber}

// Key is the place of an association in the order: both fields, parted by
// U+0001, which sorts below all that they hold. No two associations of an
// organization have the same one.
func (o Order) Key(a Association) string {
	if o == ByNumber {
		return string(a.Number) + parting + a.UserID
	}
	return a.UserID + parting + string(a.Number)
}

// By is the order that the query asks for, ascending or descending.
func (q Query) By() (o Order, descending bool) {
	if q.sortOn == number {
		return ByNumber, q.descending
	}
	return ByUser, q.descending
}
