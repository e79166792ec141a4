// Package roll keeps the associations of a large organization in sheets: their format, and how a page is found in them.
//
// A list of associations has page numbers, two orders, ten operators and an exact total. Of a million associations, 160
// MB in the table, no query can be answered from their own items: reading them takes 160 sequential pages and 40,000
// units. So they stand a second time, in a roll:
//
//	sheets    2,048 associations or fewer, in order and compressed, never changed; each order has its own. A sheet is two
//	          items: what is filtered and sorted on (17 bytes a row), and the rest (15 bytes a row: ids are mostly chance)
//	contents  which sheets there are, with the first key and the number of rows of each
//	loose     a sheet of rows that are not in the others yet, at most a 256th of them (but for the first thousand)
//	log       an item for each association that is in no sheet. It is written in the transaction that makes the association
//
// A roll at one moment is contents, loose sheet and log. Who makes it and reads it is package table; here is what needs no
// table: [Encode] and [Open] for the format, [Merge] for the next sheets, [Read] for a page.
//
// The arithmetic, for 1,000,000 associations, each of another user; units are of eventually consistent reads of 4 KB where
// nothing else is said:
//
//	contents            977 sheets × 2 orders × 14 bytes = 27 KB               3.5 units
//	loose and log       3,906 rows × 32 bytes; 200 items × 105 bytes           17 units; 6 units, consistent
//	a page, any order   the sheets that it is on, one or two, by their counts  2 × 9 units
//	with a filter       all sheets of the order, without their second items    977 × 2.5 to 489 × 4.5 = 2,450 units at most
//	once more, warm     sheets, contents and counts are kept in memory         the log, and what the roll is made of
//	another filter      the rest of the sheets that its page is on             4 units for each
//	in memory           30 bytes a row and order, still front-coded            60 MB for both orders
//
// Filters on the field of an order leave only some of its sheets. Where those of the other order are few, they are read
// instead, and sorted.
//
// Up to 10,000 rows in sheets, the contents are so small that they stand in the item that says what the roll is made of. Then
// all sheets that a page can be on are read beside the loose one and the log: 10,000 × 32 bytes are 40 units in one trip. The
// associations themselves would be 1.6 MB, 410 units.
//
// Writing: the log is folded into the loose sheet 95 rows at a time, which rewrites it: 64 KB on average, under 1 write unit
// a row. A full loose sheet is merged into the others, of which it touches, at worst, all: 64 MB for 3,906 rows, 16 write
// units a row, and as many again when the old sheets are deleted. Where users and numbers come in order, as ids made by
// time do, only the last sheets are touched: about 1 write unit a row.
//
// The contents are one item, of 400 KB at most: enough for ten million associations.
//
// Rejected: an index of the database for each order (it lags, and has neither offsets nor counts); counters (all writers of
// an organization would touch them); ranks kept as permutations of one order (an insertion moves all that follow); small
// sheets that are rewritten at once (20 write units a row, and 4 times the units to filter).
package roll
