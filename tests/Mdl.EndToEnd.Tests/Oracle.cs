using System.Globalization;
using System.Runtime.InteropServices;
using Mdl.Runtime.Models;

namespace Mdl.EndToEnd.Tests;

/// <summary>A small checkpoint in published layout, and the logits that llama.cpp computes from it.</summary>
internal static class Oracle
{
    /// <summary>The folder of the checkpoint.</summary>
    public static string Folder { get; } = Path.Combine(AppContext.BaseDirectory, "ling-tiny");

    /// <summary>Compares logits of order 1, which both compute in single precision.</summary>
    public static void Check(LanguageModel model, double tolerance, string file = "logits.f32")
    {
        int[] tokens = [.. File.ReadAllText(Path.Combine(Folder, "tokens.txt"))
            .Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Select(t => int.Parse(t, CultureInfo.InvariantCulture))];
        var expected = MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(Path.Combine(Folder, file))).ToArray();
        var logits = model.Forward(tokens);
        Assert.Equal(expected.Length, logits.Length);
        Assert.InRange(expected.Zip(logits, (a, b) => (double)Math.Abs(a - b)).Max(), 0, tolerance);
        Assert.True(expected.Max() - expected.Min() > 0.1);
    }
}
