#pragma once

#include <filesystem>
#include <string>

#include <caf/error.hpp>
#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/atoms.hpp"
#include "actors/front/journal_book.hpp"

namespace tandem {

/// `cluster.journals` in the data folder.
[[nodiscard]] std::filesystem::path book_file(const std::filesystem::path& data_folder);

struct loaded_book {
  journal_book book;
  /// What a person should know; empty: nothing.
  std::string remark;
};

/// An empty book where there is no file. A damaged one is set aside as `cluster.journals.damaged`.
/// `storage_failed`: it is there and cannot be read.
[[nodiscard]] caf::expected<loaded_book> load_book(const std::filesystem::path& file);

/// Replaces the file as a whole, durably. `storage_failed` says what, where and why.
[[nodiscard]] caf::error save_book(const std::filesystem::path& file, const std::string& text);

/// Spawn it detached: it waits for the disk.
using book_writer_actor =
    caf::typed_actor<caf::replies_to<write_atom, std::string>::with<caf::ok_atom>>;
[[nodiscard]] book_writer_actor::behavior_type book_writer_behavior(book_writer_actor::pointer self,
                                                                    std::filesystem::path file);

}  // namespace tandem
