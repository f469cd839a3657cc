package netguard

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// ErrRefused is why a target may not be reached: it is, or leads to, an address
// that is not public.
var ErrRefused = errors.New("the address is not a public one")

// Lookup finds the addresses of a name, as net.Resolver's LookupNetIP does.
type Lookup func(ctx context.Context, network, host string) ([]netip.Addr, error)

// Guard decides which addresses may be reached. It is safe for concurrent use.
type Guard struct {
	allowed []netip.Prefix
	lookup  Lookup
}

// New makes a guard that lets through public addresses and those of the allowed
// ranges. A lookup of nil is the machine's.
func New(allowed []netip.Prefix, lookup Lookup) *Guard {
	if lookup == nil {
		lookup = net.DefaultResolver.LookupNetIP
	}
	return &Guard{allowed, lookup}
}

// Loopback are the ranges of the machine itself, as [ParseRanges] reads them.
const Loopback = "127.0.0.0/8,::1"

// ParseRanges reads ranges such as "10.0.0.0/8" and single addresses, separated by
// commas; it reports all that are neither.
func ParseRanges(text string) (ranges []netip.Prefix, err error) {
	var wrong []string
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		if prefix, err := netip.ParsePrefix(part); err == nil && !prefix.Addr().Is4In6() {
			ranges = append(ranges, prefix.Masked())
		} else if addr, err := netip.ParseAddr(part); err == nil && addr.Zone() == "" {
			addr = addr.Unmap()
			ranges = append(ranges, netip.PrefixFrom(addr, addr.BitLen()))
		} else {
			wrong = append(wrong, part)
		}
	}
	if wrong != nil {
		return nil, fmt.Errorf("not an address range such as 10.0.0.0/8: %s", strings.Join(wrong, ", "))
	}
	return ranges, nil
}

// lookupLimit is how long CheckURL waits for a name to be resolved.
const lookupLimit = 3 * time.Second

// ErrNotWeb is the refusal of a target that is no web address at all.
var ErrNotWeb = errors.New("the target is not an http or https address")

// CheckURL tells whether a target may be used: [ErrNotWeb], or [ErrRefused] if any
// address of its host is refused. A host that cannot be resolved now passes: it
// may be set up later, and every connection is checked anyway.
func (g *Guard) CheckURL(ctx context.Context, target string) error {
	u, err := url.Parse(target)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" {
		return ErrNotWeb
	}
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	if addr, err := netip.ParseAddr(host); err == nil {
		return g.Check(addr)
	}
	if isNumeric(host) {
		return ErrNotWeb
	}
	if host == "localhost" || strings.HasSuffix(host, ".localhost") { // RFC 6761 section 6.3
		return g.Check(netip.AddrFrom4([4]byte{127, 0, 0, 1}))
	}
	limited, cancel := context.WithTimeout(ctx, lookupLimit)
	defer cancel()
	addrs, err := g.lookup(limited, "ip", host)
	if err != nil {
		return ctx.Err()
	}
	for _, addr := range addrs {
		if err := g.Check(addr); err != nil {
			return err
		}
	}
	return nil
}

// isNumeric tells of a host that some resolvers read as an address: 127.1,
// 2130706433 or 0x7f.0.0.1. No name ends in a number (WHATWG URL, "ends in a
// number checker").
func isNumeric(host string) bool {
	last := host[strings.LastIndexByte(host, '.')+1:]
	digits, hexadecimal := strings.CutPrefix(last, "0x")
	within := "0123456789"
	if hexadecimal {
		within += "abcdef"
	}
	return (last != "" || host == "") && strings.Trim(digits, within) == ""
}

// Check tells whether an address may be reached; if not, it is [ErrRefused].
func (g *Guard) Check(addr netip.Addr) error {
	addr = addr.WithZone("").Unmap()
	for _, prefix := range g.allowed {
		if prefix.Contains(addr) {
			return nil
		}
	}
	if !public(addr) {
		return fmt.Errorf("%w: %s", ErrRefused, addr)
	}
	return nil
}

// control is called with the address of each connection before it is made.
func (g *Guard) control(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %q cannot be read", ErrRefused, address)
	}
	return g.Check(to.Addr())
}
