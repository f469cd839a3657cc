package money_test

import (
	"encoding/json"
	"errors"
	"testing"

	"syncro/internal/money"
)

func TestParseRoundsHalfAwayFromZeroToCents(t *testing.T) {
	for text, want := range map[string]money.Cents{
		"5000": 500000, "5000.0": 500000, "0.005": 1, "0.004": 0, "-0.005": -1, "1.005": 101, "1e3": 100000,
		"1.5E-1": 15, "9999999999.99": money.Max, "0": 0, "007": 700, ".5": 50, "1e-999": 0,
	} {
		if got, err := money.Parse(text); err != nil || got != want {
			t.Errorf("Parse(%q) = %d, %v; want %d", text, got, err, want)
		}
	}
}

func TestParseRefusesWhatIsNoNumber(t *testing.T) {
	for _, text := range []string{"", "-", ".", "1.", "1,5", "R$ 5", "0x10", "1e", "NaN", "Infinity", "١٢"} {
		if _, err := money.Parse(text); !errors.Is(err, money.ErrSyntax) {
			t.Errorf("Parse(%q): %v, want ErrSyntax", text, err)
		}
	}
	for _, text := range []string{"1e300", "99999999999999999999"} {
		if _, err := money.Parse(text); !errors.Is(err, money.ErrRange) {
			t.Errorf("Parse(%q): %v, want ErrRange", text, err)
		}
	}
}

func TestAmountsAreWrittenWithoutNeedlessZeros(t *testing.T) {
	for cents, want := range map[money.Cents]string{500000: "5000", 150050: "1500.5", 7: "0.07", -5: "-0.05", 0: "0", 123456: "1234.56"} {
		if got, err := json.Marshal(cents); err != nil || string(got) != want {
			t.Errorf("%d cents: %s, %v; want %s", cents, got, err, want)
		}
	}
}

func TestLineTotalTakesTheDiscountAndRoundsOnce(t *testing.T) {
	for _, c := range []struct {
		quantity        int64
		price           money.Cents
		discount, total int64
	}{
		{200, 10000, 0, 20000}, {100, 9999, 1250, 8749}, {300, 3333, 1000, 8999}, {150, 999, 0, 1499}, {100, 100, 10000, 0},
		{100_00, money.Max, 5000, int64(money.Max) * 50},
	} {
		if got := money.LineTotal(c.quantity, c.price, c.discount); int64(got) != c.total {
			t.Errorf("LineTotal(%d, %d, %d) = %d, want %d", c.quantity, c.price, c.discount, got, c.total)
		}
	}
}
