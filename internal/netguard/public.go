package netguard

import "net/netip"

// What is not public, from the IANA registries of special-purpose addresses
// (RFC 6890 and its successors) and multicast.
var special = prefixes(
	"0.0.0.0/8",         // this network; 0.0.0.0 reaches the machine itself
	"10.0.0.0/8",        // private
	"100.64.0.0/10",     // shared by carriers (CGNAT)
	"127.0.0.0/8",       // loopback
	"169.254.0.0/16",    // link-local, where clouds serve their metadata
	"172.16.0.0/12",     // private
	"192.0.0.0/24",      // IETF protocols
	"192.0.2.0/24",      // documentation
	"192.88.99.0/24",    // relays of 6to4
	"192.168.0.0/16",    // private
	"198.18.0.0/15",     // benchmarks
	"198.51.100.0/24",   // documentation
	"203.0.113.0/24",    // documentation
	"224.0.0.0/4",       // multicast
	"240.0.0.0/4",       // reserved, and broadcast
	"2001::/23",         // IETF protocols: Teredo, ORCHID, benchmarks
	"2001:db8::/32",     // documentation
	"3fff::/20",         // documentation
	"2620:4f:8000::/48", // AS112, which answers for private names
	"192.31.196.0/24",   // AS112
	"192.175.48.0/24",   // AS112
	"192.52.193.0/24",   // AMT
)

// global is what IANA has given out for unicast in IPv6; all else is local
// (fc00::/7, fe80::/10, fec0::/10), multicast, or an IPv4 address in disguise.
var global = netip.MustParsePrefix("2000::/3")

// The forms in which an IPv6 address leads to the IPv4 address within it, and the
// byte at which that stands. It decides.
var (
	nat64  = netip.MustParsePrefix("64:ff9b::/96")
	sixTo4 = netip.MustParsePrefix("2002::/16")
)

func prefixes(texts ...string) []netip.Prefix {
	all := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		all[i] = netip.MustParsePrefix(text)
	}
	return all
}

// public tells whether an address, without zone and not an IPv4 address mapped to
// IPv6, is one of the public internet.
func public(addr netip.Addr) bool {
	bytes := addr.As16()
	switch {
	case !addr.IsValid():
		return false
	case nat64.Contains(addr):
		return public(netip.AddrFrom4([4]byte(bytes[12:])))
	case sixTo4.Contains(addr):
		return public(netip.AddrFrom4([4]byte(bytes[2:6])))
	case addr.Is6() && !global.Contains(addr):
		return false
	}
	for _, prefix := range special {
		if prefix.Contains(addr) {
			return false
		}
	}
	return true
}
