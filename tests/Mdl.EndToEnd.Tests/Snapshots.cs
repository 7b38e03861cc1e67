using System.Runtime.CompilerServices;
using Snapshooter;
using Snapshooter.Xunit;

namespace Mdl.EndToEnd.Tests;

/// <summary>
/// Compares texts with those under <c>__snapshots__</c>. After a change that is meant, this command writes them anew, for <c>git diff</c> to show what
/// the change did: <c>MDL_UPDATE_SNAPSHOTS=1 dotnet test tests/Mdl.EndToEnd.Tests --filter SnapshotTests</c>.
/// </summary>
internal static class Snapshots
{
    private static readonly bool IsUpdate = Environment.GetEnvironmentVariable("MDL_UPDATE_SNAPSHOTS") == "1";

    public static void Match(string text, string name, [CallerFilePath] string testFile = "")
    {
        var folder = Path.GetDirectoryName(testFile)!;
        var file = Path.Combine(folder, "__snapshots__", name + ".snap");
        // Snapshooter takes a text without a snapshot for a new one, writes it and lets it pass.
        if (!IsUpdate)
        {
            Assert.True(File.Exists(file), $"There is no {file}; write it with MDL_UPDATE_SNAPSHOTS=1.");
        }
        else if (File.Exists(file))
        {
            File.Delete(file);
        }

        Snapshot.Match(text, new SnapshotFullName(name + ".snap", folder));
    }
}
