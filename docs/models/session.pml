/* A browser's session: two instances that remember it, one row in the store, one provider that rotates and punishes reuse, and a
 * login that may be under way when the session is ended. README.md says what is modelled and what each property means; check.sh
 * checks it.
 *
 * Trouble, each a flag:
 *   -DCRASH    an instance may die once where it holds a lease or an upstream token; it starts again empty
 *   -DLOSE     the provider's answer may be lost once, after the provider has rotated
 *   -DOVERRUN  a lease may run out while its owner still works
 *   -DLOGOUT   the user logs out on instance 1, at any moment
 *   -DBACK     all sessions of the person are ended, at any moment, also while the login is under way
 *   -DENDS     the provider ends the session by itself
 */
#define FREE   0
#define NOBODY 3
#ifndef IDLE
#define IDLE   1                             /* a session ends after so many ticks without a request */
#endif
#ifndef LAST
#define LAST   2                             /* ticks of the clock */
#endif
#ifndef MAXUP
#define MAXUP  3                             /* upstream tokens */
#endif

#define FAILED  1
#define REFUSED 2
#define GOT     3

/* the provider: an upstream token is a number, only the newest is good */
byte up_valid = 0; bool prov_alive = false;

/* the row, and what the store lists as ended: the row, and the person */
bool alive = false; byte up = 0, lease = FREE, ver = 0, idle = 0; bool old = false;
bool listed = false, mark = false;

/* the instances: what they remember, and what they have read of the list */
bool seat[3]; byte until[3]; bool knows[3];

byte now = 0;
byte hand[5];                                /* upstream tokens to look after: of instances 1 and 2, logout 3, login 4; 0 is the ender's */
byte fails = 0, overs = 0; bool crashed = false, lost = false;

/* what the properties look at */
bool put = false, loggedin = false, before = false, finished = false;
bool ended = false, out = false, inflight = false, overran = false, reuse = false, refused = false, hurt = false;
bool spoke = false, shrunk = false;
byte renewed = 0;

#define ENDED_HERE (knows[me])

inline revoke(who) {
  if
  :: hand[who] != 0 && hand[who] == up_valid && prov_alive -> hurt = hurt || (alive && up == up_valid); prov_alive = false
  :: else
  fi;
  hand[who] = 0
}

inline touch(w) {                            /* the later end wins */
  if
  :: alive -> if :: w > idle -> idle = w :: else fi
  :: else
  fi
}

inline die() {
  crashed = true; inflight = inflight || hand[me] != 0; hand[me] = 0; seat[me] = false; until[me] = 0;
  if :: lease == me -> lease = NOBODY :: else fi
}

proctype instance(byte me) {
  byte v, u, res, w; bool yes;
  do
  :: atomic {                                             /* a request: from memory, or from the row */
       put ->
       if
       :: ENDED_HERE -> yes = false; seat[me] = false; until[me] = 0
       :: !ENDED_HERE && seat[me] && now < until[me] -> yes = true
       :: !ENDED_HERE && !(seat[me] && now < until[me]) ->
          if
          :: alive && now < idle -> seat[me] = true; until[me] = idle; yes = true
          :: else -> seat[me] = false; until[me] = 0; yes = false
          fi
       fi;
       spoke = spoke || (yes && knows[me]);
       w = now + IDLE;
       if :: yes && until[me] < w -> until[me] = w :: else fi
     };
     if
     :: yes ->
        atomic { byte was = idle; touch(w); shrunk = shrunk || idle < was; was = 0 };
        if
        :: atomic { alive && old && (lease == FREE || lease == NOBODY) -> lease = me; ver++; v = ver; u = up };
           goto ask
#ifdef OVERRUN
        :: atomic { alive && old && lease == 3 - me && overs < 1 -> overs++; overran = true; lease = me; ver++; v = ver; u = up };
           goto ask
#endif
        :: skip
        fi
     :: else
     fi;
     goto next;
ask:
#ifdef CRASH
     if :: atomic { !crashed -> die(); goto next } :: skip fi;
#endif
     atomic {
       if
       :: fails < 1 -> fails++; res = FAILED
       :: !prov_alive -> res = REFUSED
       :: prov_alive && u == up_valid -> up_valid++; hand[me] = up_valid; res = GOT
       :: prov_alive && u != up_valid -> reuse = true; prov_alive = false; res = REFUSED
       fi };
#ifdef LOSE
     if :: atomic { res == GOT && !lost -> lost = true; inflight = true; hand[me] = 0; res = FAILED } :: skip fi;
#endif
#ifdef CRASH
     if :: atomic { res == GOT && !crashed -> die(); goto next } :: skip fi;
#endif
     atomic {                                             /* write, if the row is still ours */
       if
       :: alive && ver == v && res == GOT -> up = hand[me]; hand[me] = 0; old = false; lease = FREE; ver++; renewed++
       :: alive && ver == v && res == FAILED -> lease = FREE; ver++
       :: alive && ver == v && res == REFUSED -> alive = false; ended = true; listed = true; refused = true; knows[me] = true
       :: alive && ver != v -> hand[me] = 0               /* taken over */
       :: !alive -> skip                                  /* gone: the upstream token is for nobody */
       fi };
     atomic { revoke(me) };
next:
     atomic { v = 0; u = 0; res = 0; w = 0; yes = false }
  od
}

/* each instance reads the list every two seconds */
active proctype feed() {
  do
  :: atomic { (listed || mark && before) && !knows[1] -> knows[1] = true }
  :: atomic { (listed || mark && before) && !knows[2] -> knows[2] = true }
  od
}

inline endrow(who) {                         /* read, delete that version, revoke what it held */
  do
  :: atomic { alive -> v = ver; u = up };
     if
     :: atomic { alive && ver == v -> alive = false; ended = true; listed = true; hand[who] = u };
        atomic { revoke(who) };
        break
     :: atomic { !alive || ver != v -> v = 0; u = 0 }
     fi
  :: atomic { !alive -> break }
  od;
  atomic { v = 0; u = 0 }
}

active proctype login() {
  byte v, u; bool seen;
  atomic { before = !mark };                              /* when it began stands in its state */
  atomic { up_valid = 1; prov_alive = true; hand[4] = 1 };
  atomic { alive = true; up = hand[4]; hand[4] = 0; idle = now + IDLE; put = true };
  atomic { seen = mark && before };                       /* the row first, then the look */
  if
  :: seen -> endrow(4)
  :: else
  fi;
  loggedin = true
}

#ifdef LOGOUT
active proctype logout() {
  byte v, u;
  atomic { put && seat[1] -> knows[1] = true; out = true };
  endrow(3)
}
#endif

#ifdef BACK
active proctype ender() {
  byte v, u;
  atomic { mark = true };                                 /* the list first, then the rows */
  endrow(0);
  finished = true
}
#endif

active proctype world() {
  do
  :: atomic { now < LAST -> now++ }
  :: atomic { alive && !old && up_valid < MAXUP -> old = true }
#ifdef ENDS
  :: atomic { prov_alive && put -> prov_alive = false; refused = true }
#endif
  od
}

init { atomic { run instance(1); run instance(2) } }

#define KNOWN (up_valid == 0 || alive && up == up_valid || hand[0] == up_valid || hand[1] == up_valid || hand[2] == up_valid || hand[3] == up_valid || hand[4] == up_valid)

#define NOSPEND (!reuse || inflight || overran)
#define ABANDON (!prov_alive || KNOWN || inflight || overran)
#define CARE    (!hurt)
#define DEAD    (!ended || !alive)
#define SILENT  (!spoke)
#define SLIP    (!(finished && loggedin && before) || !alive)
#define ONWARD   (!shrunk)
#define NOLOST  (!loggedin || alive || out || mark || refused || inflight || overran)

ltl nospend { [] NOSPEND }
ltl abandon { [] ABANDON }
ltl care    { [] CARE }
ltl dead    { [] DEAD }
ltl silent  { [] SILENT }
ltl slip    { [] SLIP }
ltl onward  { [] ONWARD }
ltl nolost  { [] NOLOST }
ltl all     { [] (NOSPEND && ABANDON && CARE && DEAD && SILENT && SLIP && ONWARD && NOLOST) }
ltl stuck   { [] (renewed < MAXUP - 1) }                  /* the session is never asked about so often: must fail */
