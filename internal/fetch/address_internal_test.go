package fetch

import (
	"net/netip"
	"testing"
)

func TestPublic(t *testing.T) {
	t.Parallel()
	ranges := newTable()
	for _, row := range []struct {
		addr string
		want bool
	}{
		{"8.8.8.8", true},
		{"52.113.194.132", true},
		{"100.63.255.255", true},
		{"100.128.0.0", true},
		{"172.15.255.255", true},
		{"172.32.0.0", true},
		{"198.17.255.255", true},
		{"198.20.0.0", true},
		{"223.255.255.255", true},
		{"2001:200::1", true},
		{"2603:1026:900::1", true},
		{"2a00:1450:4001::1", true},

		{"0.0.0.0", false},
		{"0.1.2.3", false},
		{"10.0.0.1", false},
		{"100.64.0.1", false},
		{"100.100.100.200", false}, // a metadata service
		{"100.127.255.255", false},
		{"127.0.0.1", false},
		{"127.255.255.254", false},
		{"168.63.129.16", false},
		{"169.254.169.254", false},
		{"172.16.0.1", false},
		{"172.31.255.255", false},
		{"192.0.0.192", false},
		{"192.0.2.1", false},
		{"192.88.99.1", false},
		{"192.168.1.1", false},
		{"198.18.0.1", false},
		{"198.19.255.255", false},
		{"198.51.100.1", false},
		{"203.0.113.1", false},
		{"224.0.0.1", false},
		{"239.255.255.255", false},
		{"240.0.0.1", false},
		{"255.255.255.255", false},

		{"::", false},
		{"::1", false},
		{"::8.8.8.8", false},              // IPv4-compatible
		{"::ffff:127.0.0.1", false},       // IPv4-mapped
		{"::ffff:8.8.8.8", false},         //
		{"64:ff9b::7f00:1", false},        // NAT64
		{"64:ff9b::808:808", false},       //
		{"64:ff9b:1::a00:1", false},       // NAT64 for local use
		{"100::1", false},                 // discard
		{"2001::1", false},                // Teredo
		{"2001:0:808:808::1", false},      //
		{"2001:2::1", false},              // benchmarks
		{"2001:db8::1", false},            // documentation
		{"3fff::1", false},                // documentation
		{"2002:7f00:1::1", false},         // 6to4 of 127.0.0.1
		{"5f00::1", false},                // segment routing
		{"fc00::1", false},                // unique local
		{"fd00:ec2::254", false},          // a metadata service
		{"fe80::1", false},                // link-local
		{"fe80::1%eth0", false},           // with its zone
		{"2a00:1450:4001::1%eth0", false}, // a zone has no business here
		{"fec0::1", false},                // site-local
		{"ff02::1", false},                // multicast
	} {
		if got := ranges.public(netip.MustParseAddr(row.addr)); got != row.want {
			t.Errorf("%s: public %t, want %t", row.addr, got, row.want)
		}
	}
	if ranges.public(netip.Addr{}) {
		t.Error("no address at all is public")
	}
}
