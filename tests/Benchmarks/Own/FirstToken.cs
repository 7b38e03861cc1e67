using System.Globalization;
using Ling;
using Mdl.Runtime.Devices;
using Mdl.Runtime.Models;

namespace Mdl.Benchmarks.Own;

/// <summary>From a file of held weights to the logits of a token.</summary>
internal static class FirstToken
{
    private const int Capacity = 4096;
    private const int Rows = 512;

    /// <summary>Writes random weights.</summary>
    public static void Save(Device device, WeightFormat format, string file)
    {
        using var model = LingMini4.Create(device, seed: 1, weights: format);
        model.Save(file);
    }

    /// <summary>Loads a file and computes the logits of one token, with room for as many tokens as llama.cpp is given. Bytes of anonymous memory at its most.</summary>
    public static unsafe double[] Load(Device device, string file)
    {
        using var model = LingMini4.Load(file, device);
        using var program = model.CreateInferenceProgram(1, Rows, Capacity, CacheFormat.BFloat16);
        program.Tokens[0] = 1;
        program.Run(1, 0, lastOnly: true);
        return double.IsFinite(program.Logits[0])
            ? [AnonymousMemory("self"), model.WeightBytes]
            : throw new InvalidOperationException("the logits are no numbers");
    }

    /// <summary>Bytes of memory of a process that no file stands behind; 0 where the system does not tell.</summary>
    public static double AnonymousMemory(string process)
    {
        try
        {
            var line = File.ReadLines($"/proc/{process}/status").FirstOrDefault(l => l.StartsWith("RssAnon:", StringComparison.Ordinal));
            return line is null ? 0 : double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024;
        }
        catch (IOException)
        {
            // No such system, or the process has just ended.
            return 0;
        }
    }
}
