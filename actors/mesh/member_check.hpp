#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <caf/expected.hpp>

#include "schema/cluster.capnp.h"

namespace tandem {

/// `host:port`, an IPv6 host in brackets.
struct mesh_address {
  std::string host;
  std::uint16_t port = 0;
};

/// `invalid_argument`: it is no address that anyone could connect to.
[[nodiscard]] caf::expected<mesh_address> parse_mesh_address(std::string_view text);

/// What is wrong with what a node says of itself or of another, in words; empty: nothing. A
/// certified peer may say nonsense: what passes here may be stored, logged and shown.
[[nodiscard]] std::string member_problem(schema::Member::Reader member);

}  // namespace tandem
