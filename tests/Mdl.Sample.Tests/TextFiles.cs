namespace Mdl.Sample.Tests;

/// <summary>Texts to train on.</summary>
internal static class TextFiles
{
    /// <summary>A few kilobytes of lines that repeat: enough for short sequences of both parts.</summary>
    public static string Write(string folder)
    {
        var path = Path.Combine(folder, "text.txt");
        File.WriteAllLines(path, Enumerable.Range(0, 400).Select(i => $"Line {i % 17} of a text about nothing in particular."));
        return path;
    }
}
