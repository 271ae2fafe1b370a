#include "storage/replication.hpp"

#include <utility>

#include "schema/errc.hpp"
#include "storage/keys.hpp"

namespace tandem::storage {

namespace {

constexpr std::size_t count_bytes = 4;
constexpr std::size_t file_head_bytes = 8 + 4 + 8 + 8;

caf::error malformed(const char* what) {
  return make_error(errc::malformed_message,
                    std::string("a replicated write is malformed: ") + what);
}

}  // namespace

verdict judge(log_position have, log_position at, std::uint64_t previous_epoch) {
  if (at.sequence <= have.sequence)
    return at.epoch > have.epoch ? verdict::diverged : verdict::duplicate;
  if (at.sequence > have.sequence + 1) return verdict::gap;
  return previous_epoch == have.epoch ? verdict::accept : verdict::diverged;
}

std::string encode_body(const replica_write& write) {
  std::size_t size = count_bytes + write.batch.size();
  for (const auto& file : write.files) size += file_head_bytes + file.bytes.size();
  std::string body;
  body.reserve(size);
  keys::append_u32(body, static_cast<std::uint32_t>(write.files.size()));
  for (const auto& file : write.files) {
    keys::append_u64(body, file.job);
    keys::append_u32(body, file.number);
    keys::append_u64(body, file.file);
    keys::append_u64(body, file.bytes.size());
    body.append(file.bytes);
  }
  return body.append(write.batch);
}

caf::error decode_body(std::string_view body, replica_write& to) {
  if (body.size() > replica_write_bytes_max) return malformed("it is too large");
  if (body.size() < count_bytes) return malformed("it is cut");
  const auto count = keys::read_u32(body);
  body.remove_prefix(count_bytes);
  if (count > body.size() / file_head_bytes)
    return malformed("it has not as many files as it says");
  to.files.clear();
  to.files.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    if (body.size() < file_head_bytes) return malformed("a file is cut");
    replica_file file;
    file.job = keys::read_u64(body);
    file.number = keys::read_u32(body.substr(8));
    file.file = keys::read_u64(body.substr(12));
    const auto size = keys::read_u64(body.substr(20));
    body.remove_prefix(file_head_bytes);
    if (size > body.size()) return malformed("a file is cut");
    file.bytes = body.substr(0, size);
    body.remove_prefix(size);
    to.files.push_back(std::move(file));
  }
  to.batch = body;
  return {};
}

}  // namespace tandem::storage
