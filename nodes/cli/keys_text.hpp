#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "nodes/cli/style.hpp"
#include "schema/types.hpp"

namespace tandem::cli {

/// `tandem keys list`: a row a key, of all pages of the report.
[[nodiscard]] std::string keys_text(std::span<const tmsg::keyrpt> pages, const style& how,
                                    std::uint64_t now_ms);
/// `{"keys":[...]}`; with the secret where a page has one.
[[nodiscard]] std::string keys_json(std::span<const tmsg::keyrpt> pages);
/// What a key allows, for who has just made it: lines.
[[nodiscard]] std::string key_facts_text(schema::ApiKey::Reader key);

}  // namespace tandem::cli
