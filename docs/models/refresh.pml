/* The refresh of one family: two instances, one row in the store, one provider that rotates and punishes reuse, an
 * honest client. README.md says what is modelled and what each property means; check.sh checks it.
 *
 * Trouble, each a flag:
 *   -DNOROTATE   a provider that neither rotates nor detects reuse
 *   -DCRASH      an instance may die once at any point where it holds a lease or an upstream token; it starts again empty
 *   -DLOSE       the provider's answer may be lost once, after the provider has rotated
 *   -DOVERRUN    a lease may run out while its owner still works (a paused process)
 *   -DKEEP       the provider has answered, but the rest cannot be done: the row keeps the new upstream token, the
 *                client its current one
 *   -DLOGOUT     the user ends the family, at any moment
 *   -DTHIEF      a thief copies any token, at any moment, and spends it as often as it likes
 *   -DENDGRACE   the grace ends at any moment, also while the honest client still has to ask again
 *   -DSKEW       the clocks of the instances differ, by no more than they may
 *   -DHASTY      the client spends a new token while a request with an older one is still under way
 */
#ifndef MAXTOK
#define MAXTOK 3                             /* the last generation: it is not spent any more */
#endif
#define N(x) ((x) & 7)                       /* generation of a token; the upper bits are a serial number: */
#define NEXT(x) ((N(x) + 1) | (made << 3))   /* no two tokens that are made are equal */

#define FREE   0                             /* a lease is free, is that of instance 1 or 2, or nobody's: */
#define NOBODY 3                             /* its owner has died, so it runs out */

#define ENDED   1                            /* what came of a step: the client logs in again */
#define WAIT    2                            /* the other one holds the lease */
#define LEASED  3
#define FAILED  4                            /* the provider was not reached, or its answer not read */
#define REFUSED 5                            /* the provider has ended the session */
#define GOT     6                            /* the provider has given an upstream token */
#define KEPT    7                            /* ... but no answer can be made */
#define BUSY    8                            /* 503: the client keeps what it has, and asks again */
#define ANSWER  9

/* the provider: an upstream token is a number, only the newest is good */
byte up_valid = 1; bool prov_alive = true;

/* the row */
byte cur = 1, last = 0, ans = 0, up = 1, lease = FREE, ver = 0;
bool alive = true;                           /* the row exists */
bool grace = false;                          /* the grace of last has not ended yet, by the clock of the instance that spent it */
bool slack = false;                          /* it has, and by the clocks of others it may have or not */
byte by = 0;                                 /* the instance that spent last */

byte made = 1;                               /* serial number of the next token */
byte c_tok = 1;                              /* what the honest client holds */
byte th = 0;                                 /* what the thief holds */
byte held[3];                                /* the honest client's token that an instance works on; 0: none */
byte hand[4];                                /* the upstream token that an instance, or the logout (3), has to look after */
byte fails = 0, overs = 0; bool crashed = false, lost = false;

/* what the properties look at */
bool client_lost = false;                    /* the honest client was told to log in again */
bool inflight = false;                       /* an upstream token was lost with a process or a connection */
bool overran = false, out = false, robbed = false, lapsed = false;
bool reuse = false;                          /* the provider saw a spent token */
bool ended = false;                          /* a logout, a reuse or the provider has ended the family */
bool two = false, late = false, stale = false, hurt = false, handed = false;
bool listed = false, spoke = false;          /* instance 1 knows of the logout; it has given out something all the same */
byte succ[MAXTOK + 1];                       /* the successor of each token */

inline answer(x) {                           /* the decision that t gets x, inside the step that reads or writes the row */
  a = x; res = ANSWER;
  if :: succ[N(t)] != 0 && succ[N(t)] != a -> two = true :: else -> succ[N(t)] = a fi;
  late = late || ended
}

inline give() {                              /* 200; the answer may be lost on its way */
  handed = handed || ended; spoke = spoke || (me == 1 && listed);
  if
  :: thief -> if :: th = a :: skip fi
  :: !thief -> if :: c_tok == t -> c_tok = a :: skip fi
  fi;
#ifdef THIEF
  if :: th == 0 -> th = a :: skip fi;
#endif
  held[me] = 0
}

inline revoke(who) {                         /* at the provider */
  if
  :: hand[who] == up_valid -> hurt = hurt || alive; prov_alive = false
  :: else
  fi;
  hand[who] = 0
}

inline take() { lease = me; ver++; v = ver; u = up; res = LEASED }

inline die() {                               /* the process ends: what it knew is gone, its lease will run out */
  crashed = true;
  inflight = inflight || hand[me] != 0; hand[me] = 0;
  if :: lease == me -> lease = NOBODY :: else fi;
  held[me] = 0
}

#ifdef HASTY
#define PATIENT true
#else
#define PATIENT (held[3 - me] == 0 || held[3 - me] == c_tok)
#endif

proctype instance(byte me) {
  byte t, v, u, a, res; bool thief, g;
  do
  :: if                                                   /* a request arrives */
     :: atomic { !client_lost && N(c_tok) < MAXTOK && PATIENT -> t = c_tok; held[me] = t }
#ifdef THIEF
     :: atomic { th != 0 && N(th) < MAXTOK -> t = th; thief = true; robbed = true }
#endif
     fi;
again:
     atomic {                                             /* read the row and decide; what is written is conditional on the version */
       if                                                 /* is it the grace? */
       :: grace -> g = true
       :: !grace && slack && me != by -> g = true         /* a clock that is ahead must not end it too early ... */
       :: !grace -> g = false                             /* ... and one that is not does not prolong it */
       fi;
       ended = ended || (alive && t != cur && !(t == last && g));
       if
       :: !alive -> res = ENDED
       :: alive && t == cur && (lease == FREE || lease == NOBODY) -> take()
#ifdef OVERRUN
       :: alive && t == cur && lease == 3 - me && overs < 2 -> overs++; overran = true; take()
#endif
       :: alive && t == cur && lease == 3 - me -> res = WAIT
       :: alive && t != cur && (t == last && g) -> stale = stale || !(grace || slack && me != by); answer(ans)
       :: alive && t != cur && !(t == last && g) -> alive = false; hand[me] = up; res = ENDED    /* reuse */
       fi }
     if
     :: res == WAIT ->
        if
        :: !(alive && t == cur && lease == 3 - me) -> goto again
#ifdef OVERRUN
        :: overs < 2 -> goto again
#endif
        :: res = BUSY                                     /* it took too long */
        fi
     :: res == LEASED ->
#ifdef CRASH
        if :: atomic { !crashed -> die(); goto next } :: skip fi;
#endif
        atomic {                                          /* the provider */
          if
          :: fails < 2 -> fails++; res = FAILED           /* nothing happened */
          :: !prov_alive -> res = REFUSED
#ifdef NOROTATE
          :: prov_alive -> hand[me] = u; res = GOT
#else
          :: prov_alive && u == up_valid -> up_valid++; hand[me] = up_valid; res = GOT
          :: prov_alive && u != up_valid -> reuse = true; prov_alive = false; res = REFUSED
#endif
          fi }
        if
        :: res == GOT ->
           if
#ifdef LOSE
           :: atomic { !lost -> lost = true; inflight = true; hand[me] = 0; res = FAILED }
#endif
#ifdef KEEP
           :: atomic { fails < 2 -> fails++; res = KEPT }
#endif
#ifdef CRASH
           :: atomic { !crashed -> die(); goto next }
#endif
           :: skip
           fi
        :: else
        fi;
        atomic {                                          /* write what came of it, if the row is still ours */
          if
          :: !alive && (res == GOT || res == KEPT) -> res = ENDED                /* gone: the upstream token is for nobody */
          :: !alive && (res == FAILED || res == REFUSED) -> res = BUSY           /* the next try finds out */
          :: alive && ver != v -> hand[me] = 0; res = BUSY                       /* taken over: nothing is ours to touch */
          :: alive && ver == v && res == GOT ->
             last = t; ans = NEXT(t); made++; cur = ans; grace = true; slack = false; by = me;
             up = hand[me]; hand[me] = 0; lease = FREE; ver++; answer(cur)
          :: alive && ver == v && res == KEPT -> up = hand[me]; hand[me] = 0; lease = FREE; ver++; res = BUSY
          :: alive && ver == v && res == FAILED -> lease = FREE; ver++; res = BUSY
          :: alive && ver == v && res == REFUSED -> alive = false; ended = true; res = ENDED
          fi }
     :: else
     fi;
     if
     :: atomic { res == ANSWER && !(me == 1 && listed) -> give() }
     :: atomic { res == ANSWER && (me == 1 && listed) -> client_lost = client_lost || !thief; held[me] = 0 }
     :: atomic { res == BUSY -> held[me] = 0 }
     :: atomic { res == ENDED -> client_lost = client_lost || !thief; held[me] = 0 };
        if
        :: atomic { hand[me] != 0 -> revoke(me) }
#ifdef CRASH
        :: atomic { hand[me] != 0 && !crashed -> die() }
#endif
        :: hand[me] == 0
        fi
     fi;
next:
     atomic { t = 0; v = 0; u = 0; a = 0; res = 0; thief = false; g = false }
  od
}

#ifdef LOGOUT
active proctype logout() {                                /* on instance 1, which knows of it before the store does */
  byte v, u;                                              /* read, delete that version, revoke what it held */
  atomic { listed = true; out = true };
  do
  :: atomic { alive -> v = ver; u = up };
     if
     :: atomic { alive && ver == v -> ended = true; hand[3] = u; alive = false };
        if
        :: atomic { revoke(3) }
#ifdef CRASH
        :: atomic { !crashed -> crashed = true; inflight = true; hand[3] = 0 }
#endif
        fi;
        break
     :: atomic { !alive || ver != v -> v = 0; u = 0 }     /* conflict: again */
     fi
  od
}
#endif

#ifdef SKEW
#define SKEWED true
#else
#define SKEWED false
#endif
#define UNDERWAY (held[1] == last || held[2] == last || c_tok == last)

active proctype world() {
  do
  :: atomic { grace && !UNDERWAY -> grace = false; slack = SKEWED }
  :: atomic { slack -> slack = false }
#ifdef ENDGRACE
  :: atomic { grace && UNDERWAY -> grace = false; slack = SKEWED; lapsed = true }
#endif
#ifdef THIEF
  :: atomic { th == 0 -> th = c_tok }
#endif
  od
}

init { atomic { run instance(1); run instance(2) } }

#define KNOWN ((alive && up == up_valid) || hand[1] == up_valid || hand[2] == up_valid || hand[3] == up_valid)

#define ONE     (!two)
#define NOSPEND (!reuse || inflight || overran)
#define NOLOST  (!client_lost || inflight || overran || out || robbed || lapsed)
#define DEAD    (!ended || !alive)
#define QUIET   (!late)
#define NOSTALE (!stale)
#define ABANDON (!prov_alive || KNOWN || inflight || overran)
#define CARE    (!hurt)
#define SILENT  (!spoke)

/* hold under all trouble, but for NOLOST with -DHASTY */
ltl one      { [] ONE }
ltl nospend  { [] NOSPEND }
ltl nolost   { [] NOLOST }
ltl dead     { [] DEAD }
ltl quiet    { [] QUIET }
ltl nostale  { [] NOSTALE }
ltl abandon  { [] ABANDON }
ltl care     { [] CARE }
ltl silent   { [] SILENT }
ltl all      { [] (ONE && NOSPEND && NOLOST && DEAD && QUIET && NOSTALE && ABANDON && CARE && SILENT) }

/* the same without excuses, and what is not promised: check.sh says where they hold and where they must fail */
ltl strict   { [] (!client_lost) }                              /* no excuse at all */
ltl abandon2 { [] (!prov_alive || KNOWN || inflight) }          /* not even that a lease ran out */
ltl nohand   { [] (!handed) }                                   /* no answer is on its way when the family ends */
ltl stuck    { [] (N(c_tok) < MAXTOK) }                         /* the client never gets to the last token: must fail */
