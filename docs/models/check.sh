#!/usr/bin/env bash
# Checks refresh.pml and session.pml with Spin: every property under every kind of trouble, then what must not hold, then broken
# variants, each of which must be caught. Needs bash, spin and cc; writes into a temporary directory only. -v says what it does.
# As many checks run side by side as there are processors, or JOBS.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
model=$here/refresh.pml
verbose=${1:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# check COMMAND...: runs one of the checks below in a directory of its own, beside others; what it counts is in its file counts.
jobs=${JOBS:-$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)} started=0 running=0
bad=0 good=0 caught=0 most=0
check() {
  started=$((started + 1))
  [ $running -lt "$jobs" ] || { wait -n || true; running=$((running - 1)); }
  running=$((running + 1))
  mkdir "$work/$started"
  (
    cd "$work/$started"
    "$@"
    echo "$good $bad $caught $most" >counts
  ) >"$work/$started/said" 2>&1 &
}

# sum waits for all checks, prints what they say and adds what they count. A check that came to no end is a violation.
sum() {
  local n g b c m
  wait
  for n in $(seq "$started"); do
    cat "$work/$n/said"
    if ! read -r g b c m <"$work/$n/counts"; then wrong "check $n came to no end"; continue; fi
    good=$((good + g)) bad=$((bad + b)) caught=$((caught + c))
    [ "$m" -le $most ] || most=$m
  done
}

wrong() { bad=$((bad + 1)); echo "$*"; }
note() { [ "$verbose" != -v ] || echo "$*"; }

build() { # MODEL FLAGS: the checker, in $pan
  pan=$work/pan-$(basename "$1" .pml)${2// /}
  [ ! -x "$pan" ] || return 0
  # shellcheck disable=SC2086
  if spin "-Pcc -E -x c" $2 -a "$1" >spin.log 2>&1 && cc -w -O0 -DSAFETY -o pan pan.c 2>>spin.log && mv pan "$pan"; then return 0; fi
  wrong "$(basename "$1") with '$2' does not build: $(grep -m1 -i error spin.log)"
  return 1
}

verdict() { # PROPERTY: holds or fails, or why there is no verdict, in $result
  # All properties are invariants: without -a, of which pan warns, nothing is missed.
  "$pan" -w21 -m100000 -N "$1" >pan.log 2>&1 || true
  states=$(sed -n 's/^ *\([0-9]*\) states, stored.*/\1/p' pan.log)
  if grep -q 'errors: 1$' pan.log && grep -q 'assertion violated  *!(' pan.log; then
    result=fails
  elif grep -q 'errors: 0$' pan.log && ! grep -qiE 'not completed|too small|out of memory|truncated' pan.log; then
    result=holds
    [ "${states:-0}" -le $most ] || most=$states
  else
    result="no verdict: $(grep -vm1 'requires -a flag' pan.log)"
  fi
}

# FLAGS: every property, in one run of their conjunction; one by one only if that fails. The model must come to life too.
properties="one nospend nolost dead quiet nostale abandon care silent"
everything() {
  local p
  build "$model" "$1" || return 0
  verdict all
  if [ "$result" = holds ]; then
    good=$((good + $(wc -w <<<"$properties")))
    note "$states states: all with '$1'"
  else
    wrong "all with '$1': $result"
    for p in $properties; do verdict "$p"; [ "$result" = holds ] || wrong "$p with '$1': $result"; done
  fi
  verdict stuck
  [ "$result" = fails ] || wrong "the client never comes to the last token with '$1': $result"
}

expect() { # holds|fails FLAGS PROPERTY...
  local want=$1 flags=$2 p
  shift 2
  build "$model" "$flags" || return 0
  for p; do
    verdict "$p"
    if [ "$result" = "$want" ]; then good=$((good + 1)); else wrong "$p with '$flags': $result, expected: $want"; fi
    note "$p $result with '$flags'"
  done
}

broken() { # NAME FLAGS PROPERTY SED...: the property fails in the variant, and holds in the model itself
  local name=$1 flags=$2 property=$3 edit n=0
  shift 3
  cp "$model" before.pml
  for edit; do
    n=$((n + 1))
    sed "$edit" before.pml >"$name.pml"
    if cmp -s before.pml "$name.pml"; then wrong "$name: edit $n changes nothing"; return 0; fi
    cp "$name.pml" before.pml
  done
  build "$name.pml" "$flags" || return 0
  verdict "$property"
  if [ "$result" = fails ]; then caught=$((caught + 1)); else wrong "$name is not caught by $property with '$flags': $result"; fi
  note "$name: $property $result with '$flags'"
  build "$model" "$flags" || return 0
  verdict "$property"
  [ "$result" = holds ] || wrong "$property with '$flags' without $name: $result"
}

check everything ""
for f in CRASH LOSE OVERRUN KEEP LOGOUT THIEF ENDGRACE NOROTATE SKEW; do check everything "-D$f"; done
check everything "-DCRASH -DLOSE"
check everything "-DCRASH -DLOSE -DOVERRUN -DKEEP"
check everything "-DLOGOUT -DCRASH -DLOSE -DKEEP"
check everything "-DLOGOUT -DOVERRUN -DKEEP"
check everything "-DLOGOUT -DENDGRACE -DCRASH -DKEEP"
check everything "-DENDGRACE -DCRASH -DLOSE -DOVERRUN"
check everything "-DTHIEF -DENDGRACE -DKEEP"
check everything "-DTHIEF -DLOGOUT -DENDGRACE"
check everything "-DTHIEF -DCRASH -DLOSE"
check everything "-DTHIEF -DOVERRUN"
check everything "-DNOROTATE -DOVERRUN"
check everything "-DNOROTATE -DCRASH -DLOSE -DOVERRUN -DKEEP"
check everything "-DNOROTATE -DLOGOUT -DCRASH -DOVERRUN"
check everything "-DNOROTATE -DTHIEF -DLOGOUT -DKEEP"
check everything "-DNOROTATE -DTHIEF -DENDGRACE -DCRASH"
check everything "-DMAXTOK=4 -DTHIEF -DENDGRACE"
check everything "-DSKEW -DCRASH -DLOSE -DKEEP"
check everything "-DSKEW -DLOGOUT -DKEEP"
check everything "-DSKEW -DTHIEF"
check everything "-DSKEW -DENDGRACE"

# The properties without excuses: what they hold under, and which trouble needs its excuse.
for f in "" -DKEEP -DNOROTATE -DSKEW "-DNOROTATE -DCRASH -DLOSE -DOVERRUN -DKEEP"; do check expect holds "$f" strict abandon2 nohand; done
for f in -DCRASH -DLOSE; do
  check expect fails $f strict
  check expect holds $f abandon2 nohand
done
check expect fails -DOVERRUN strict abandon2
check expect holds -DOVERRUN nohand
for f in -DLOGOUT -DTHIEF -DENDGRACE; do
  check expect fails $f strict nohand
  check expect holds $f abandon2
done
check expect holds "-DNOROTATE -DLOGOUT -DCRASH -DOVERRUN" abandon2
check expect fails "-DHASTY -DMAXTOK=4" nolost
check expect holds "-DHASTY -DMAXTOK=4" one nospend dead quiet nostale abandon care

# Broken variants.
check broken no-lease "" nospend 's/(lease == FREE || lease == NOBODY) -> take()/true -> take()/'
check broken no-version "-DNOROTATE -DOVERRUN" one 's/alive && ver == v && res == GOT/alive \&\& res == GOT/' 's/alive && ver != v ->/alive \&\& ver != v \&\& res != GOT ->/'
check broken no-grace "" nolost 's/:: alive && t != cur && (t == last && g) ->.*/:: false -> skip/' 's/t != cur && !(t == last && g) -> alive/t != cur -> alive/'
check broken grace-without-end "-DENDGRACE" nostale 's/t != cur && (t == last && g) ->/t != cur \&\& t == last ->/' 's/t != cur && !(t == last && g) -> alive/t != cur \&\& t != last -> alive/'
check broken grace-makes-a-new-answer "" one 's/answer(ans)/ans = NEXT(t); made++; cur = ans; ver++; answer(ans)/'
check broken reuse-does-not-end "-DTHIEF" dead 's/-> alive = false; hand\[me\] = up; res = ENDED/-> res = ENDED/'
check broken reuse-does-not-revoke "-DTHIEF" abandon 's/-> alive = false; hand\[me\] = up; res = ENDED/-> alive = false; res = ENDED/'
check broken logout-does-not-delete "-DLOGOUT" dead 's/hand\[3\] = u; alive = false }/hand[3] = u }/'
check broken logout-by-any-version "-DLOGOUT" abandon 's/:: atomic { alive && ver == v -> ended/:: atomic { alive -> ended/'
check broken gone-row-is-written-again "-DLOGOUT" dead 's/:: !alive && (res == GOT || res == KEPT) -> res = ENDED/:: !alive \&\& res == GOT -> alive = true; last = t; ans = NEXT(t); made++; cur = ans; grace = true; up = hand[me]; hand[me] = 0; lease = FREE; ver++; answer(cur)/'
check broken gone-row-still-answers "-DLOGOUT" quiet 's/:: !alive && (res == GOT || res == KEPT) -> res = ENDED/:: !alive \&\& res == GOT -> answer(NEXT(t))/'
check broken gone-row-revokes-nothing "-DLOGOUT" abandon 's/:: !alive && (res == GOT || res == KEPT) -> res = ENDED/:: !alive \&\& (res == GOT || res == KEPT) -> hand[me] = 0; res = ENDED/'
check broken taken-over-revokes "-DNOROTATE -DOVERRUN" care 's/:: alive && ver != v -> hand\[me\] = 0;/:: alive \&\& ver != v -> revoke(me);/'
check broken grace-by-a-clock-that-is-ahead -DSKEW nolost 's/:: grace -> g = true/:: grace -> g = true :: grace \&\& me != by -> g = false/'
check broken grace-prolonged-for-everybody "-DSKEW -DENDGRACE" nostale 's/:: !grace \&\& slack \&\& me != by -> g = true/:: !grace \&\& slack -> g = true/'
check broken lease-by-a-clock-that-is-ahead -DSKEW nospend 's/(lease == FREE || lease == NOBODY) -> take()/(lease == FREE || lease == NOBODY || lease == 3 - me) -> take()/'
check broken answers-though-it-knows-of-the-end -DLOGOUT silent 's/res == ANSWER \&\& !(me == 1 \&\& listed) -> give()/res == ANSWER -> give()/'
check broken keep-forgets-the-upstream-token "-DKEEP" nospend 's/res == KEPT -> up = hand\[me\]; hand/res == KEPT -> hand/'

# The session of a browser.
model=$here/session.pml
properties="nospend abandon care dead silent slip onward nolost"
check everything ""
for f in CRASH LOSE OVERRUN LOGOUT ENDS; do check everything "-D$f"; done
small="-DMAXUP=2 -DLAST=1" # where the login is under way meanwhile, there are many orders
check everything "-DIDLE=2"
check everything "-DBACK $small"
check everything "-DLOGOUT -DBACK $small"
check everything "-DLOGOUT -DCRASH $small"
check everything "-DBACK -DCRASH $small"

check broken session-without-lease "" nospend 's/alive \&\& old \&\& (lease == FREE || lease == NOBODY)/alive \&\& old/'
check broken session-without-version "-DLOGOUT" dead 's/:: !alive -> skip  /:: !alive \&\& res == GOT -> alive = true; up = hand[me]; hand[me] = 0 :: !alive \&\& res != GOT -> skip  /'
check broken session-gone-revokes-nothing "-DLOGOUT" abandon 's/:: !alive -> skip  /:: !alive -> hand[me] = 0  /'
check broken touch-writes-what-it-has "-DIDLE=2" onward 's/if :: w > idle -> idle = w :: else fi/idle = w/'
check broken login-looks-before-its-row "-DBACK $small" slip 's/^  atomic { up_valid = 1;/  atomic { seen = mark \&\& before }; atomic { up_valid = 1;/' 's/^  atomic { seen = mark .. before };  .*$//'
check broken ender-marks-after-the-rows "-DBACK $small" slip 's/^  atomic { mark = true };.*/  skip;/' 's/^  finished = true/  atomic { mark = true; finished = true }/'
check broken memory-without-the-list "-DLOGOUT" silent 's/:: !ENDED_HERE \&\& seat\[me\] \&\& now < until\[me\] -> yes = true/:: seat[me] \&\& now < until[me] -> yes = true/'
check broken logout-by-any-version-of-a-session "-DLOGOUT" abandon 's/:: atomic { alive \&\& ver == v -> alive = false/:: atomic { alive -> alive = false/'

sum
if [ $bad != 0 ]; then
  echo "$bad expectations are violated"
  exit 1
fi
echo "$good expectations are met, $caught broken variants are caught; $most states at most, $SECONDS s"
