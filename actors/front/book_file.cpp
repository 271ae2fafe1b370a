#include "actors/front/book_file.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include <fcntl.h>
#include <unistd.h>

#include "schema/errc.hpp"

namespace tandem {
namespace {

caf::error failed(const char* what, const std::filesystem::path& file) {
  return make_error(errc::storage_failed, std::string{what} + ' ' + file.string() + ": " +
                                              std::strerror(errno) +
                                              "; make room in the data folder, or mend its rights");
}

caf::error write_and_sync(const std::filesystem::path& file, const std::string& text) {
  int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return failed("cannot make", file);
  std::size_t done = 0;
  while (done < text.size()) {
    auto size = ::write(fd, text.data() + done, text.size() - done);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) break;
    done += static_cast<std::size_t>(size);
  }
  caf::error err;
  if (done < text.size() || ::fsync(fd) != 0) err = failed("cannot write", file);
  ::close(fd);
  return err;
}

}  // namespace

std::filesystem::path book_file(const std::filesystem::path& data_folder) {
  return data_folder / "cluster.journals";
}

caf::expected<loaded_book> load_book(const std::filesystem::path& file) {
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) return loaded_book{};
  std::ifstream in{file, std::ios::binary};
  if (!in) return failed("cannot read", file);
  // One byte more than allowed is enough to see that it is too long.
  std::string text(journal_book::text_bytes_max + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad()) return failed("cannot read", file);
  text.resize(static_cast<std::size_t>(in.gcount()));
  auto book = journal_book::parse(text);
  if (book) return loaded_book{std::move(*book), {}};
  auto aside = file.string() + ".damaged";
  std::error_code err;
  std::filesystem::rename(file, aside, err);
  if (err) {
    errno = err.value();
    return failed("cannot set aside the damaged", file);
  }
  return loaded_book{{},
                     "the list of known journals was damaged (" + message_of(book.error()) +
                         ") and is set aside as " + aside +
                         "; journals that are open nowhere are not waited for until a node tells "
                         "of them again"};
}

caf::error save_book(const std::filesystem::path& file, const std::string& text) {
  auto fresh = file;
  fresh += ".new";
  if (auto err = write_and_sync(fresh, text)) return err;
  if (::rename(fresh.c_str(), file.c_str()) != 0) return failed("cannot replace", file);
  int folder = ::open(file.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return failed("cannot open the folder of", file);
  caf::error err;
  if (::fsync(folder) != 0) err = failed("cannot sync the folder of", file);
  ::close(folder);
  return err;
}

book_writer_actor::behavior_type book_writer_behavior(book_writer_actor::pointer,
                                                      std::filesystem::path file) {
  return {
      [file = std::move(file)](write_atom, const std::string& text) -> caf::result<caf::ok_atom> {
        if (auto err = save_book(file, text)) return err;
        return caf::ok_atom_v;
      }};
}

}  // namespace tandem
