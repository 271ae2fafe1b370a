@0xd1c2a6f0b8e14a10;
# Who may use the gateways, and for what.
#   KeyCommand -> KeyReport   client (`tandem keys`) -> supervisor -> gateway
#   KeyNews                   gateway <-> gateway, when they meet and after each change: the newer entry of an id counts

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("tandem::schema");
using Common = import "common.capnp";

struct ApiKey @0xb2c41d907e65a301 {
  id @0 :Text;
  # Public part of the key, by which it is named: 12 characters.
  hash @1 :Data;
  # SHA-256 of the whole key, which nobody keeps.
  name @2 :Text;
  # What people call it.
  tenant @3 :Text;
  models @4 :List(Text);
  # That it may name; empty: all.
  requestsPerMin @5 :UInt32;
  # This and what follows: at each gateway; 0: no limit.
  tokensPerMin @6 :UInt64;
  concurrency @7 :UInt32;
  budget @8 :Common.Budget;
  # For each `budgetPeriodMs`.
  budgetPeriodMs @9 :UInt64;
  priorityMax @10 :Int8;
  admin @11 :Bool;
  # Topology, engines, keys, metrics, and jobs of all tenants.
  createdAtMs @12 :UInt64;
  # Unix time, as those that follow.
  expiresAtMs @13 :UInt64;
  # 0: never.
  revokedAtMs @14 :UInt64;
  # 0: it holds.
  changedAtMs @15 :UInt64;
  # The newest entry of an id counts.
}

enum KeyAction @0xb2c41d907e65a302 {
  unknown @0;
  create @1;
  # With `key`, but for id, hash and times.
  list @2;
  revoke @3;
  # The key of `key.id`.
}

struct KeyCommand @0xb2c41d907e65a303 {
  action @0 :KeyAction;
  key @1 :ApiKey;
}

struct KeyUse @0xb2c41d907e65a304 {
  # At the asked gateway.
  key @0 :ApiKey;
  requests @1 :UInt64;
  refused @2 :UInt64;
  lastUsedAtMs @3 :UInt64;
  spent @4 :Common.Budget;
  # In the period under way.
}

struct KeyReport @0xb2c41d907e65a305 {
  keys @0 :List(KeyUse);
  # Without hashes.
  secret @1 :Text;
  # Of a key that was made, once.
}

struct KeyNews @0xb2c41d907e65a306 {
  keys @0 :List(ApiKey);
}
