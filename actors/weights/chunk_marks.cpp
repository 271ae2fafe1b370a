#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "actors/weights/version_store_parts.hpp"

namespace tandem {
namespace {

/// "TWM1", and how many marks are true whatever happened.
struct marks_header {
  std::uint32_t magic = 0x314d5754;
  std::uint32_t spare = 0;
  std::uint64_t synced = 0;
};
static_assert(sizeof(marks_header) == 16);

/// A mark that was half written says something else in its two halves.
struct mark_record {
  std::uint32_t chunk = 0, check = 0;
};

std::uint32_t check_of(std::uint32_t chunk) {
  return ~chunk * 0x9e3779b1u;
}

template <class T>
std::span<std::uint8_t> raw(T& value) {
  return {reinterpret_cast<std::uint8_t*>(&value), sizeof(T)};
}

}  // namespace

caf::expected<chunk_marks> chunk_marks::create(const std::filesystem::path& path) {
  marks_header header;
  const auto bytes = raw(header);
  if (auto err = write_durably(path, {reinterpret_cast<const char*>(bytes.data()), bytes.size()}))
    return err;
  std::vector<std::size_t> none;
  return open(path, 0, none, none);
}

caf::expected<chunk_marks> chunk_marks::open(const std::filesystem::path& path, std::size_t count,
                                             std::vector<std::size_t>& synced,
                                             std::vector<std::size_t>& unsynced) {
  chunk_marks out;
  out.name_ = path.string();
  out.file_ = open_file{::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW)};
  struct stat info = {};
  if (!out.file_.is_open() || ::fstat(out.file_.get(), &info) != 0)
    return errno_error(out.name_, errno == ENOENT ? errc::not_found : errc::storage_failed);
  marks_header header;
  if (info.st_size < static_cast<off_t>(sizeof(header)))
    return make_error(errc::corrupted, out.name_ + ": no marks of chunks");
  if (auto err = read_at(out.file_.get(), 0, raw(header), out.name_)) return err;
  if (header.magic != marks_header{}.magic)
    return make_error(errc::corrupted, out.name_ + ": no marks of chunks");
  // Marked twice by two who wrote it at once is as good as once: more than twice is nobody's.
  const auto size = static_cast<std::uint64_t>(info.st_size) - sizeof(header);
  std::vector<mark_record> records(std::min<std::uint64_t>(size / sizeof(mark_record), 2 * count));
  if (auto err = read_at(
          out.file_.get(), sizeof(header),
          {reinterpret_cast<std::uint8_t*>(records.data()), records.size() * sizeof(mark_record)},
          out.name_))
    return err;
  for (const auto& record : records) {
    if (record.check != check_of(record.chunk) || record.chunk >= count) break;
    (out.marks_ < header.synced ? synced : unsynced).push_back(record.chunk);
    ++out.marks_;
  }
  return out;
}

caf::error chunk_marks::add(std::size_t chunk) {
  mark_record record{static_cast<std::uint32_t>(chunk),
                     check_of(static_cast<std::uint32_t>(chunk))};
  const auto at = sizeof(marks_header) + marks_ * sizeof(record);
  if (auto err = write_at(file_.get(), at, raw(record), name_)) return err;
  ++marks_;
  return caf::none;
}

caf::error chunk_marks::synced(std::uint64_t marks) {
  marks_header header;
  header.synced = marks;
  // The marks first: the header must not speak of what is not there.
  if (::fdatasync(file_.get()) != 0) return errno_error(name_ + ": cannot sync");
  if (auto err = write_at(file_.get(), 0, raw(header), name_)) return err;
  if (::fdatasync(file_.get()) != 0) return errno_error(name_ + ": cannot sync");
  return caf::none;
}

}  // namespace tandem
