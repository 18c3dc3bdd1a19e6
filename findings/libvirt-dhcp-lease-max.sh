#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A libvirt network with a <host> for each guest serves no more of them than its <range> is large.
#
# <host> reserves an address, which may lie outside of <range>: the natural network for guests that are all known is a
# small range and many reservations. libvirt writes the size of the range into dnsmasq's configuration as
# dhcp-lease-max. dnsmasq counts leases of reserved addresses too, so that the limit is reached by guests whose
# addresses are their own: with two addresses in the range the third of three reservations is offered its address and
# then refused it (DHCP NAK), over and over. libvirt says nothing.
#
# Seen with libvirt-daemon 9.0.0-4+deb12u2 and dnsmasq-base 2.90-4~deb12u2, a range of two and three reservations beside
# it, asked for in turn by udhcpc of busybox-static 1:1.35.0-4+deb12u1+b1:
#   dhcp-lease-max=2; lease of 10.77.0.11; lease of 10.77.0.12; NAK of 10.77.0.13
# What follows: the range of a network of ours is its whole subnet.

# shellcheck source=findings/lib.bash
. "$(dirname "$0")/lib.bash"
finding_packages libvirt-daemon=9.0.0-4+deb12u2 libvirt-clients=9.0.0-4+deb12u2 dnsmasq-base=2.90-4~deb12u2 \
        busybox-static=1:1.35.0-4+deb12u1+b1 iproute2=6.1.0-3 iptables=1.8.9-2 dash grep

# What the packages' scripts and alternatives would have done. Of libvirt only networks are wanted.
echo 'dnsmasq:x:101:65534::/:/bin/false' >>"$root/etc/passwd"
echo 'libvirt:x:102:' >>"$root/etc/group"
for name in iptables ip6tables; do ln -s "$name-nft" "$root/usr/sbin/$name"; done
rm "$root"/usr/lib/*/libvirt/connection-driver/libvirt_driver_{qemu,nodedev,storage,interface,secret}.so

cat >"$root/tmp/lab.xml" <<'END'
<network>
  <name>lab</name>
  <bridge name='virbr9' stp='off' delay='0'/>
  <ip address='10.77.0.1' netmask='255.255.255.0'>
    <dhcp>
      <range start='10.77.0.100' end='10.77.0.101'/>
      <host mac='02:00:00:00:00:01' ip='10.77.0.11'/>
      <host mac='02:00:00:00:00:02' ip='10.77.0.12'/>
      <host mac='02:00:00:00:00:03' ip='10.77.0.13'/>
    </dhcp>
  </ip>
</network>
END
cat >"$root/tmp/ask" <<'END'
ip link set lo up
libvirtd >/tmp/libvirtd.log 2>&1 &
for try in $(seq 60); do
        virsh -q -c network:///system net-create /tmp/lab.xml 2>/tmp/error && break
        sleep 0.5
done
grep dhcp-lease-max /var/lib/libvirt/dnsmasq/lab.conf
for n in 1 2 3; do
        ip link add guest$n address 02:00:00:00:00:0$n type veth peer name port$n
        ip link set port$n master virbr9 up
        busybox unshare -n sleep 90 &
        guest=$!
        sleep 0.5
        ip link set guest$n netns $guest
        busybox nsenter -t $guest -n busybox ip link set guest$n up
        busybox nsenter -t $guest -n timeout 10 busybox udhcpc -i guest$n -f -n -q -s /bin/true >/tmp/log$n 2>&1
        echo "select $(grep -c 'select for 10.77.0.1'$n /tmp/log$n), lease $(grep -c obtained /tmp/log$n)," \
                "NAK $(grep -c NAK /tmp/log$n)"
done
END
mapfile -t seen < <(finding_run dash /tmp/ask)
finding_is "libvirt's configuration of dnsmasq" dhcp-lease-max=2 "${seen[0]-}"
finding_is "guest 1" "select 1, lease 1, NAK 0" "${seen[1]-}"
finding_is "guest 2" "select 1, lease 1, NAK 0" "${seen[2]-}"
# How often it is tried in ten seconds is no matter.
finding_is "guest 3" "select more, lease 0, NAK more" "$(sed -E 's/\b[1-9][0-9]*/more/g' <<<"${seen[3]-}")"
