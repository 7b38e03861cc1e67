namespace Mdl.Runtime.Checkpoints;

/// <summary>
/// Replaces a file as a whole: the new contents go to a temporary file in the same folder, are flushed to the disk, and take the old file's name in one
/// step. Whoever is killed in between leaves the old file as it was.
/// </summary>
public static class AtomicFile
{
    /// <summary>Writes a file; if <paramref name="write"/> throws, nothing changes.</summary>
    public static void Write(string path, Action<Stream> write)
    {
        ArgumentNullException.ThrowIfNull(write);
        var full = Path.GetFullPath(path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        // A fixed name, so that what a killed process left is overwritten by the next save.
        var temporary = full + ".tmp";
        try
        {
            using (var stream = new FileStream(temporary, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 1 << 16))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, full, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }
}
