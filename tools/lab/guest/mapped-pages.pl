# SPDX-License-Identifier: GPL-2.0-or-later
#
# mapped-pages.pl PID FILE: where the pages are that process PID has mapped of
# FILE: says how many, and fails unless each lies in persistent memory. A virtual
# address has its page's number in /proc/PID/pagemap; what that number's address
# belongs to is in /proc/iomem. (Only root is told either.)

use strict;
use warnings;
no warnings 'portable';		# addresses have more than 32 bits

my ($pid, $file) = @ARGV;
my $page = 4096;
my @ranges;
my ($inside, $outside) = (0, 0);

open(my $iomem, '<', '/proc/iomem') or die "/proc/iomem: $!\n";
while (<$iomem>) {
	push @ranges, [hex $1, hex $2]
		if /^\s*([0-9a-f]+)-([0-9a-f]+) : Persistent Memory/;
}

open(my $pagemap, '<:raw', "/proc/$pid/pagemap") or die "/proc/$pid/pagemap: $!\n";
open(my $maps, '<', "/proc/$pid/maps") or die "/proc/$pid/maps: $!\n";
while (<$maps>) {
	next unless /^([0-9a-f]+)-([0-9a-f]+) \S+ \S+ \S+ \d+\s+\Q$file\E$/;
	my ($from, $to) = (hex $1, hex $2);

	sysseek($pagemap, $from / $page * 8, 0) or die "pagemap: $!\n";
	for (my $at = $from; $at < $to; $at += $page) {
		sysread($pagemap, my $entry, 8) == 8 or die "pagemap: $!\n";
		my $bits = unpack('Q', $entry);

		next unless $bits >> 63;	# not there: never touched
		my $address = ($bits & ((1 << 55) - 1)) * $page;

		if (grep { $address >= $_->[0] && $address <= $_->[1] } @ranges) {
			$inside++;
		} else {
			$outside++;
		}
	}
}
printf "   Of the file sqlite3 has %d pages mapped; %d of them are the device's memory.\n",
	$inside + $outside, $inside;
exit(($inside && !$outside) ? 0 : 1);
