package fetch

import "net/netip"

// A table holds the address ranges that decide.
type table struct {
	global   netip.Prefix // outside of it, no IPv6 address is public
	reserved []netip.Prefix
}

// newTable returns the ranges of IANA's registries of special addresses
// (https://www.iana.org/assignments/iana-ipv4-special-registry,
// https://www.iana.org/assignments/iana-ipv6-special-registry).
func newTable() table {
	t := table{
		// The only part of IPv6 that has been given out. Loopback, NAT64
		// (64:ff9b::/96), unique local, link-local and multicast are outside.
		global: netip.MustParsePrefix("2000::/3"),
	}
	for _, p := range []string{
		"0.0.0.0/8",       // this network, unspecified
		"10.0.0.0/8",      // private
		"100.64.0.0/10",   // carrier-grade NAT, and metadata services
		"127.0.0.0/8",     // loopback
		"169.254.0.0/16",  // link-local, metadata services
		"172.16.0.0/12",   // private
		"192.0.0.0/24",    // protocol assignments
		"192.0.2.0/24",    // documentation
		"192.31.196.0/24", // AS112
		"192.52.193.0/24", // multicast tunnels
		"192.88.99.0/24",  // 6to4 relays
		"192.168.0.0/16",  // private
		"192.175.48.0/24", // AS112
		"198.18.0.0/15",   // benchmarks
		"198.51.100.0/24", // documentation
		"203.0.113.0/24",  // documentation
		"224.0.0.0/4",     // multicast
		"240.0.0.0/4",     // reserved, broadcast
		// Azure's platform, from inside every virtual machine
		// (https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16).
		"168.63.129.16/32",
		"2001::/23",         // protocol assignments: Teredo, benchmarks, ORCHID
		"2001:db8::/32",     // documentation
		"2002::/16",         // 6to4
		"2620:4f:8000::/48", // AS112
		"3fff::/20",         // documentation
	} {
		t.reserved = append(t.reserved, netip.MustParsePrefix(p))
	}
	return t
}

// public reports whether the address is one of the public Internet's that leads
// to no other address. Forms that carry an IPv4 address inside are refused
// altogether: what a gateway makes of them is not ours to know.
func (t table) public(a netip.Addr) bool {
	if !a.IsValid() || a.Zone() != "" || a.Is4In6() {
		return false
	}
	if a.Is6() && !t.global.Contains(a) {
		return false
	}
	for _, p := range t.reserved {
		if p.Contains(a) {
			return false
		}
	}
	return true
}
