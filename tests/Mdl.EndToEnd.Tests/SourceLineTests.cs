using Mdl.Runtime.Devices;

namespace Mdl.EndToEnd.Tests;

/// <summary>What fails in a launch is found in the model's source.</summary>
public sealed class SourceLineTests
{
    [Fact]
    public void A_stack_trace_names_the_line_of_the_model()
    {
        var device = new Device(1);
        using var model = TestModels.Initialized("DenseSmall", 1, device);
        using var program = model.CreateTrainingProgram(1, 4);
        device.Dispose();
        var error = Assert.Throws<ObjectDisposedException>(program.Forward);

        // The first launch cuts the tokens into inputs and targets, which the model's head asks for.
        var source = Path.Combine(Folder(), "tiny.mdl");
        Assert.Contains($"DenseSmall.Training.Forward() in {source}:line ", error.StackTrace, StringComparison.Ordinal);
        var line = int.Parse(error.StackTrace!.Split(source + ":line ")[1].Split('\n')[0], System.Globalization.CultureInfo.InvariantCulture);
        Assert.InRange(line, 1, File.ReadAllLines(source).Length);
    }

    private static string Folder([System.Runtime.CompilerServices.CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}
