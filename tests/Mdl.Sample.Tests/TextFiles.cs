namespace Mdl.Sample.Tests;

/// <summary>Texts to train on.</summary>
internal static class TextFiles
{
    /// <summary>Lines that repeat: by default a few kilobytes, enough for short sequences of both parts.</summary>
    public static string Write(string folder, int lines = 400)
    {
        var path = Path.Combine(folder, "text.txt");
        File.WriteAllLines(path, Enumerable.Range(0, lines).Select(i => $"Line {i % 17} of a text about nothing in particular."));
        return path;
    }
}
