using System.Buffers.Binary;
using System.Text;

namespace Mdl.Benchmarks.Libtorch;

/// <summary>
/// Lets TorchSharp's native library load where libstdc++ is older than that of GCC 13, as on Debian 12. It asks for the version
/// GLIBCXX_3.4.32 for one symbol that nothing in it calls: the mark by which GCC 13's headers make sure that streams get initialised. Marked
/// as weak in the library's table of needed versions, a missing version is no error for the loader, and where the version exists nothing changes.
/// </summary>
internal static class OldLibstdcxx
{
    private const string Library = "libLibTorchSharp.so";
    private const string Version = "GLIBCXX_3.4.32";
    private const byte WeakFlag = 2;

    /// <summary>Marks the version as weak in the library beside this program. Call it before the first use of TorchSharp.</summary>
    public static void MakeVersionWeak()
    {
        var path = Path.Combine(AppContext.BaseDirectory, Library);
        if (!File.Exists(path))
        {
            return;
        }

        // An entry of the table (Elf64_Vernaux): a hash of the name in four bytes, then two bytes of flags.
        var library = File.ReadAllBytes(path);
        var hash = new byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(hash, ElfHash(Version));
        var entry = library.AsSpan().IndexOf(hash);
        if (entry < 0 || (library[entry + 4] & WeakFlag) != 0)
        {
            return;
        }

        library[entry + 4] |= WeakFlag;
        var changed = path + ".weak";
        File.WriteAllBytes(changed, library);
        File.Move(changed, path, overwrite: true);
    }

    // The hash of the System V ABI, "Hash table".
    private static uint ElfHash(string name)
    {
        var hash = 0u;
        foreach (var c in Encoding.ASCII.GetBytes(name))
        {
            hash = (hash << 4) + c;
            var high = hash & 0xF0000000;
            hash = (hash ^ (high >> 24)) & ~high;
        }

        return hash;
    }
}
