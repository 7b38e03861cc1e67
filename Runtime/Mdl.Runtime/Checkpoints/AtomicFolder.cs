using System.Runtime.InteropServices;

namespace Mdl.Runtime.Checkpoints;

/// <summary>
/// Replaces a folder as a whole: the new one is written beside it as <c>NAME.tmp</c>, takes over the files that stay, and then the two change places. Whoever is
/// killed in between leaves the old folder or the new one under its name. Linux and macOS exchange two folders in one step; elsewhere the old one is called
/// <c>NAME.old</c> for the moment between two steps.
/// </summary>
internal static partial class AtomicFolder
{
    private const int CurrentFolder = -100;
    private const uint Exchange = 2;

    /// <summary>Writes a folder; if <paramref name="write"/> throws, nothing changes.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="isReplaced">Which files of a folder that is there are not taken over.</param>
    /// <param name="write">Writes into the folder it is given.</param>
    /// <exception cref="SafetensorsException">There is a file of that name, or the folder has folders in it.</exception>
    public static void Write(string path, Predicate<string> isReplaced, Action<string> write)
    {
        var target = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        if (File.Exists(target))
        {
            throw new SafetensorsException($"{path}: is a file; a checkpoint is written as a folder.");
        }

        // To take these over would mean to copy what may be a whole repository.
        if (Directory.Exists(target) && Directory.EnumerateDirectories(target).FirstOrDefault() is { } inner)
        {
            throw new SafetensorsException($"{path}: has the folder {Path.GetFileName(inner)}, which replacing it would lose; choose a new folder.");
        }

        // Always the same name, so that what a killed process left is cleared by the next save; all in it is a copy or out of date.
        var staged = target + ".tmp";
        Clear(staged);
        Directory.CreateDirectory(staged);
        try
        {
            if (Directory.Exists(target))
            {
                foreach (var file in Directory.EnumerateFiles(target).Where(f => !isReplaced(Path.GetFileName(f))))
                {
                    File.Copy(file, Path.Combine(staged, Path.GetFileName(file)));
                }
            }

            write(staged);
            Replace(staged, target);
        }
        finally
        {
            Clear(staged);
        }
    }

    private static void Replace(string staged, string target)
    {
        if (!Directory.Exists(target))
        {
            Directory.Move(staged, target);
        }
        else if (!TryExchange(staged, target))
        {
            var old = target + ".old";
            Clear(old);
            Directory.Move(target, old);
            Directory.Move(staged, target);
            Clear(old);
        }
    }

    // File systems that cannot exchange say so, and nothing has happened.
    private static bool TryExchange(string a, string b)
    {
        try
        {
            return OperatingSystem.IsLinux() ? ExchangeOnLinux(CurrentFolder, a, CurrentFolder, b, Exchange) == 0
                : OperatingSystem.IsMacOS() && ExchangeOnMac(a, b, Exchange) == 0;
        }
        catch (EntryPointNotFoundException)
        {
            // Some C libraries lack the call.
            return false;
        }
    }

    private static void Clear(string folder)
    {
        if (Directory.Exists(folder))
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [LibraryImport("libc", EntryPoint = "renameat2", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int ExchangeOnLinux(int oldFolder, string oldPath, int newFolder, string newPath, uint flags);

    [LibraryImport("libc", EntryPoint = "renamex_np", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int ExchangeOnMac(string from, string to, uint flags);
}
