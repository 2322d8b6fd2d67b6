# SPDX-License-Identifier: GPL-2.0-or-later
#
# lines.pl LOCKFILE <IN >OUT: copy line by line, each line whole, however many
# of these write to the same place: a line is written under LOCKFILE's lock.

use strict;
use warnings;
use Fcntl qw(:flock);

my ($path) = @ARGV;
open(my $lock, '>>', $path) or die "$path: $!\n";
binmode STDIN;
binmode STDOUT;

while (defined(my $line = readline STDIN)) {
	my $done = 0;

	flock($lock, LOCK_EX) or die "$path: $!\n";
	while ($done < length $line) {
		my $n = syswrite(STDOUT, $line, length($line) - $done, $done);
		last unless defined $n;
		$done += $n;
	}
	flock($lock, LOCK_UN);
}
