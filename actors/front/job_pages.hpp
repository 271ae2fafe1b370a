#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "schema/types.hpp"

namespace tandem {

/// One journal's part of a list: its own page, or why there is none.
struct job_page {
  std::uint64_t journal = 0;
  /// Where it was asked to go on.
  std::uint64_t before = 0;
  /// Empty: there is no answer.
  tmsg::joblist list{};
  std::string node{};
  std::string address{};
  /// It is open nowhere.
  bool waiting = false;
};

/// `before` of a journal in a query; see JournalCursor.
[[nodiscard]] std::uint64_t cursor_of(schema::JobQuery::Reader query, std::uint64_t journal);
/// A cursor behind the last job of a journal.
inline constexpr std::uint64_t cursor_done = 1;

/// What one journal is asked for its part of `query`.
[[nodiscard]] tmsg::jobqry query_of(schema::JobQuery::Reader query, std::uint64_t before);

/// One page of all journals, the newest job first; the next page goes on without a gap or a
/// repetition. At most `limit` jobs.
[[nodiscard]] tmsg::joblist merge_pages(const std::vector<job_page>& pages, std::uint32_t limit);

}  // namespace tandem
