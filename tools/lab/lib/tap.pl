# SPDX-License-Identifier: GPL-2.0-or-later
#
# tap.pl COUNTS REASONS <TAP: pass a suite's output through, and write to the file
# COUNTS a line "passed failed skipped". A test that skips for a reason that the
# regular expression REASONS does not match has failed: something is not there
# that was to be.
#
# A suite is one or more programs; after each the stream has a line
#   # exit NAME STATUS
# and each must have done what its plan said: a program that ends early, has no
# plan or no tests, or fails without saying which test, counts as one failure
# more. So does a stream that ends before its last program did. The last of
# several programs may be the one that ran the others, without tests of its own.

use strict;
use warnings;

my ($counts, $reasons) = @ARGV;
my ($passed, $failed, $skipped, $programs) = (0, 0, 0, 0);
my ($planned, $seen, $bad) = (undef, 0, 0);

sub complain
{
	$failed++;
	print "not ok # $_[0]\n";
}

sub skip
{
	if ($reasons ne '' && $_[0] =~ /$reasons/) {
		$skipped++;
	} else {
		$bad++;
		complain("skipped, but not for one of the reasons that are known: $_[0]");
	}
}

sub program_ended
{
	my ($name, $status) = @_;
	my $plain = !defined $planned && !$seen;

	if ($plain && $programs && $status == 0) {
		# It ran the others.
	} elsif ($plain && $status == 4) {
		skip($name);
	} elsif ($plain) {
		complain("$name: no tests, exit status $status");
	} elsif (!defined $planned) {
		complain("$name: no plan, $seen tests, exit status $status");
	} elsif ($planned != $seen) {
		complain("$name: $planned tests planned, $seen done, exit status $status");
	} elsif ($status != 0 && $status != 4 && !$bad) {
		complain("$name: every test passed, yet exit status $status");
	} elsif ($status == 0 && $bad) {
		print "# $name: a test failed, yet exit status 0\n";
	}
	$programs++;
	($planned, $seen, $bad) = (undef, 0, 0);
}

$| = 1;
while (defined(my $line = <STDIN>)) {
	$line =~ s/\r?\n?\z//;
	print "$line\n";
	if ($line =~ /^# exit (.+) (\d+)$/) {
		program_ended($1, $2);
	} elsif ($line =~ /^1\.\.(\d+)(\s*#\s*skip)?/i) {
		$planned = ($planned // 0) + $1;
		skip($line) if $2;
	} elsif ($line =~ /^not ok\b/) {
		$seen++;
		$bad++;
		$failed++;
	} elsif ($line =~ /^ok\b/) {
		$seen++;
		if ($line =~ /#\s*skip/i) {
			skip($line);
		} else {
			$passed++;
		}
	} elsif ($line =~ /^Bail out!/) {
		$bad++;
		complain("the suite gave up: $line");
	}
}
complain("the output ends before the suite did") if $seen || defined $planned || !$programs;

open(my $out, '>', $counts) or die "$counts: $!\n";
print $out "$passed $failed $skipped\n";
close($out) or die "$counts: $!\n";
