package netguard_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"syncro/internal/netguard"
)

func TestOnlyPublicAddressesMayBeReached(t *testing.T) {
	guard := netguard.New(nil, nil)
	for _, public := range []string{
		"8.8.8.8", "1.1.1.1", "200.160.2.3", "172.15.255.255", "172.32.0.0", "100.63.255.255", "100.128.0.0", "169.253.255.255", "192.167.1.1",
		"198.17.0.1", "223.255.255.255", "2001:4860:4860::8888", "2606:4700::1111", "2804:14c::1", "64:ff9b::8.8.8.8", "::ffff:8.8.8.8", "2002:808:808::1",
	} {
		if err := guard.Check(netip.MustParseAddr(public)); err != nil {
			t.Errorf("%s: %v", public, err)
		}
	}
	for _, local := range []string{
		"0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.255.255", "169.254.169.254",
		"172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.88.99.1", "192.168.0.1", "198.18.0.1", "198.19.255.255", "198.51.100.1",
		"203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
		"::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "::ffff:0:127.0.0.1",
		"64:ff9b::127.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::", "2002:a00:1::1", "2002:c0a8:101::",
		"100::1", "fc00::1", "fd12:3456::1", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "ff0e::1", "2001::1", "2001:0:53aa:64c::1", "2001:10::1",
		"2001:db8::1", "3fff::1", "5f00::1", "4000::1",
	} {
		if err := guard.Check(netip.MustParseAddr(local)); !errors.Is(err, netguard.ErrRefused) {
			t.Errorf("%s: %v", local, err)
		}
	}
	if err := guard.Check(netip.Addr{}); !errors.Is(err, netguard.ErrRefused) {
		t.Errorf("no address: %v", err)
	}
}

func TestAnAllowedRangeMayBeReachedInEveryFormOfItsAddresses(t *testing.T) {
	ranges, err := netguard.ParseRanges(" 10.1.0.0/16, 192.168.7.9,fd00:1::/32 ,::1,")
	if err != nil {
		t.Fatal(err)
	}
	guard := netguard.New(ranges, nil)
	for address, allowed := range map[string]bool{
		"10.1.2.3": true, "::ffff:10.1.2.3": true, "10.2.0.1": false, "192.168.7.9": true, "192.168.7.8": false,
		"fd00:1::5": true, "fd00:2::5": false, "::1": true, "127.0.0.1": false, "64:ff9b::10.1.2.3": false,
	} {
		if err := guard.Check(netip.MustParseAddr(address)); (err == nil) != allowed {
			t.Errorf("%s: %v", address, err)
		}
	}
	if _, err := netguard.ParseRanges("10.0.0.0/8,intranet,1.2.3.4/40,::ffff:10.0.0.0/104"); err == nil || !strings.Contains(err.Error(), "intranet, 1.2.3.4/40, ::ffff:10.0.0.0/104") {
		t.Errorf("wrong ranges: %v", err)
	}
	if ranges, err := netguard.ParseRanges(""); err != nil || ranges != nil {
		t.Errorf("no ranges: %v, %v", ranges, err)
	}
}

// names resolves what it is given.
func names(known map[string][]string) netguard.Lookup {
	return func(_ context.Context, _, host string) (addrs []netip.Addr, err error) {
		for _, text := range known[host] {
			addrs = append(addrs, netip.MustParseAddr(text))
		}
		if addrs == nil {
			err = errors.New("no such host")
		}
		return addrs, err
	}
}

func TestATargetIsCheckedByWhatItsHostResolvesTo(t *testing.T) {
	guard := netguard.New(nil, names(map[string][]string{
		"public.example": {"8.8.8.8", "2606:4700::1111"}, "private.example": {"10.0.0.1"}, "both.example": {"8.8.8.8", "::1"}, "mapped.example": {"::ffff:127.0.0.1"},
	}))
	for target, want := range map[string]error{
		"https://public.example/hook": nil, "http://PUBLIC.example.:8080/a?b=c": nil, "https://8.8.8.8/": nil, "https://[2606:4700::1111]:444/": nil,
		"https://not-there-yet.example/": nil,
		"https://private.example/":       netguard.ErrRefused, "https://both.example/": netguard.ErrRefused, "https://mapped.example/": netguard.ErrRefused,
		"http://localhost/": netguard.ErrRefused, "http://LocalHost.:80/": netguard.ErrRefused, "http://a.localhost/": netguard.ErrRefused,
		"http://127.0.0.1:9/": netguard.ErrRefused, "http://[::1]/": netguard.ErrRefused, "http://[::ffff:10.0.0.1]/": netguard.ErrRefused,
		"http://[fe80::1%25eth0]/": netguard.ErrRefused, "http://169.254.169.254/latest/meta-data": netguard.ErrRefused,
		"http://127.1/": netguard.ErrNotWeb, "http://2130706433/": netguard.ErrNotWeb, "http://0x7f.0.0.1/": netguard.ErrNotWeb, "http://0x7f000001/": netguard.ErrNotWeb,
		"http://017700000001/": netguard.ErrNotWeb, "http://a.0x/": netguard.ErrNotWeb,
		"ftp://public.example/": netguard.ErrNotWeb, "public.example": netguard.ErrNotWeb, "https:///x": netguard.ErrNotWeb, "http://%zz/": netguard.ErrNotWeb, "": netguard.ErrNotWeb,
	} {
		if err := guard.CheckURL(t.Context(), target); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", target, err, want)
		}
	}
}

func TestTheClientRefusesAnAddressWhenItConnects(t *testing.T) {
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	}))
	defer server.Close()
	at, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	// The name passes at first, as if it led elsewhere then; the machine resolves it to itself.
	rebound := "http://localhost:" + at.Port() + "/"
	for _, target := range []string{server.URL, rebound, "http://[::ffff:127.0.0.1]:" + at.Port()} {
		if err := get(t, netguard.New(nil, nil), target, 302); !errors.Is(err, netguard.ErrRefused) {
			t.Errorf("%s: %v", target, err)
		}
	}
	if asked != 0 {
		t.Errorf("%d requests reached the server", asked)
	}
	allowing := loopback(t)
	if err := get(t, allowing, server.URL, http.StatusFound); err != nil || asked != 1 {
		t.Errorf("allowed: %v after %d requests", err, asked)
	}
}

// loopback is a guard that lets a test reach its own servers.
func loopback(t *testing.T) *netguard.Guard {
	t.Helper()
	ranges, err := netguard.ParseRanges(netguard.Loopback)
	if err != nil {
		t.Fatal(err)
	}
	return netguard.New(ranges, nil)
}

func get(t *testing.T, guard *netguard.Guard, target string, want int) error {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := guard.Client().Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != want {
		t.Errorf("%s: %d", target, answer.StatusCode)
	}
	_, err = netguard.Excerpt(answer.Body, 10)
	return err
}

func TestAnAnswerIsReadUpToALimit(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		part := []byte(strings.Repeat("x", 1<<16))
		for range 1 << 14 { // a gigabyte, if anybody reads it
			if _, err := w.Write(part); err != nil {
				return
			}
		}
	}))
	defer server.Close()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := loopback(t).Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if text, err := netguard.Excerpt(answer.Body, 5); err != nil || string(text) != "xxxxx" {
		t.Errorf("%q, %v", text, err)
	}
}
